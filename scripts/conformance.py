#!/usr/bin/env python3
"""Fills the evidence of docs/conformance.tsv from the requirement ids in test names: python3 scripts/conformance.py
Rows whose id stands in a test's name become `done`; a row marked `not applicable` keeps its reason. Prints what is left."""
import re, subprocess, sys
names = {}
call = re.compile(r"\b(?:test|it)\(\s*(?:'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"|`((?:\\.|[^`\\])*)`)")
for path in sorted(subprocess.check_output(['git', 'ls-files', '*.test.ts'], text=True).split()):
    for match in call.finditer(open(path).read()):
        name = re.sub(r'\\(.)', r'\1', next(g for g in match.groups() if g is not None))
        for bracket in re.findall(r'\[([^\]]+)\]', name):
            for identifier in re.split(r'[\s,]+', bracket):
                names.setdefault(identifier, []).append(f'{path}: {name}')
lines = open('docs/conformance.tsv').read().rstrip('\n').split('\n')
rows, left = [lines[0]], []
for line in lines[1:]:
    columns = (line.split('\t') + ['', ''])[:7]
    found = names.get(columns[0], [])
    if found and columns[5] != 'not applicable':
        columns[5:7] = 'done', ' ; '.join(found[:3])
    elif columns[5] == 'done':
        columns[5:7] = 'not yet', 'no test names it'
    if columns[0].startswith('G00') and columns[5] == 'not yet':
        left.append(f'{columns[0]}\t{columns[3]}\t{columns[4]}')
    rows.append('\t'.join(columns))
open('docs/conformance.tsv', 'w').write('\n'.join(rows) + '\n')
unknown = sorted(set(names) - {row.split('\t')[0] for row in rows})
print('\n'.join(left))
print(f'{len(left)} G00 rows left; ids in test names that no row has: {[u for u in unknown if re.match(r"[A-Z]", u)]}', file=sys.stderr)
