// The network of bench/simulator.ts in ns-3: hosts on a LAN behind each gateway send UDP over IPv6 to one correspondent
// behind an anchor. Prints one line of JSON. Prefixes are ULAs: ns-3 does not forward 2001:db8::/32.
#include <chrono>
#include <iostream>
#include <sstream>

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"

using namespace ns3;

namespace {

constexpr uint16_t kPort = 9;
constexpr double kWarmUpSeconds = 2;
uint64_t delivered = 0;

void CountDelivery(Ptr<const Packet>, const Address&) { ++delivered; }

Ipv6Address Network(int number) {
  std::ostringstream text;
  text << "fd00:" << std::hex << number << "::";
  return Ipv6Address(text.str().c_str());
}

class Numbering {
 public:
  Ipv6InterfaceContainer Assign(const NetDeviceContainer& devices) {
    helper_.SetBase(Network(++networks_), Ipv6Prefix(64));
    return helper_.Assign(devices);
  }
  int Last() const { return networks_; }

 private:
  Ipv6AddressHelper helper_;
  int networks_ = 0;
};

Ptr<Ipv6StaticRouting> RoutesOf(Ptr<Node> node) {
  return Ipv6StaticRoutingHelper().GetStaticRouting(node->GetObject<Ipv6>());
}

void Send(Ptr<Node> host, Ipv6Address to, double packetsPerSecond, uint32_t octets, double start, double stop) {
  OnOffHelper source("ns3::UdpSocketFactory", Inet6SocketAddress(to, kPort));
  source.SetConstantRate(DataRate(static_cast<uint64_t>(packetsPerSecond * octets * 8)), octets);
  ApplicationContainer application = source.Install(host);
  application.Start(Seconds(start));
  application.Stop(Seconds(stop));
}

}  // namespace

int main(int argc, char** argv) {
  uint32_t gateways = 4, hostsPerGateway = 25, octets = 200;
  double packetsPerSecond = 50, simulatedS = 20;
  CommandLine arguments(__FILE__);
  arguments.AddValue("gateways", "gateways below the anchor", gateways);
  arguments.AddValue("hostsPerGateway", "hosts on the LAN of each", hostsPerGateway);
  arguments.AddValue("packetsPerSecond", "of each host", packetsPerSecond);
  arguments.AddValue("octets", "of UDP payload", octets);
  arguments.AddValue("simulatedS", "seconds of virtual time", simulatedS);
  arguments.Parse(argc, argv);

  Ptr<Node> anchor = CreateObject<Node>(), correspondent = CreateObject<Node>();
  InternetStackHelper stack;
  stack.SetIpv4StackInstall(false);
  stack.Install(NodeContainer(anchor, correspondent));
  PointToPointHelper wire;
  wire.SetDeviceAttribute("DataRate", StringValue("1Gbps"));
  wire.SetChannelAttribute("Delay", StringValue("2ms"));
  CsmaHelper lan;
  lan.SetChannelAttribute("DataRate", StringValue("1Gbps"));
  lan.SetChannelAttribute("Delay", TimeValue(NanoSeconds(500)));

  Numbering numbering;
  Ipv6InterfaceContainer core = numbering.Assign(wire.Install(anchor, correspondent));
  core.SetForwarding(0, true);
  core.SetDefaultRouteInAllNodes(0);
  const Ipv6Address destination = core.GetAddress(1, 1);
  const Ipv6Address coreNetwork = Network(numbering.Last());

  for (uint32_t g = 0; g < gateways; ++g) {
    Ptr<Node> gateway = CreateObject<Node>();
    NodeContainer hosts;
    hosts.Create(hostsPerGateway);
    stack.Install(gateway);
    stack.Install(hosts);
    Ipv6InterfaceContainer up = numbering.Assign(wire.Install(anchor, gateway));
    up.SetForwarding(0, true);
    up.SetForwarding(1, true);
    RoutesOf(gateway)->AddNetworkRouteTo(coreNetwork, Ipv6Prefix(64), up.GetAddress(0, 1), up.GetInterfaceIndex(1));
    Ipv6InterfaceContainer below = numbering.Assign(lan.Install(NodeContainer(NodeContainer(gateway), hosts)));
    below.SetForwarding(0, true);
    below.SetDefaultRouteInAllNodes(0);
    RoutesOf(anchor)->AddNetworkRouteTo(Network(numbering.Last()), Ipv6Prefix(64), up.GetAddress(1, 1),
                                        up.GetInterfaceIndex(0));
    for (uint32_t h = 0; h < hostsPerGateway; ++h)
      Send(hosts.Get(h), destination, packetsPerSecond, octets, kWarmUpSeconds + 1e-4 * (g * hostsPerGateway + h),
           simulatedS);
  }

  PacketSinkHelper sink("ns3::UdpSocketFactory", Inet6SocketAddress(Ipv6Address::GetAny(), kPort));
  sink.Install(correspondent).Get(0)->TraceConnectWithoutContext("Rx", MakeCallback(&CountDelivery));

  const auto begin = std::chrono::steady_clock::now();
  Simulator::Stop(Seconds(simulatedS));
  Simulator::Run();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  std::cout << "{\"deliveredPackets\":" << delivered << ",\"wallS\":" << wall.count()
            << ",\"events\":" << Simulator::GetEventCount() << "}\n";
  Simulator::Destroy();
}
