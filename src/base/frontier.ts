/** What a search has reached, the nearest first, and of what is equally near the one reached first: a binary heap. */
export class Frontier<Place> {
  readonly #items: Item<Place>[] = [];
  #order = 0;

  push(distance: number, place: Place): void {
    const items = this.#items;
    const item = { distance, order: this.#order++, place };
    let i = items.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(item, items[parent])) break;
      items[i] = items[parent];
      i = parent;
    }
    items[i] = item;
  }

  pop(): Place | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top?.place;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1], items[child])) child++;
      if (!before(items[child], last)) break;
      items[i] = items[child];
      i = child;
    }
    items[i] = last;
    return top.place;
  }
}

interface Item<Place> {
  readonly distance: number;
  readonly order: number;
  readonly place: Place;
}

function before<Place>(a: Item<Place>, b: Item<Place>): boolean {
  return a.distance < b.distance || (a.distance === b.distance && a.order < b.order);
}
