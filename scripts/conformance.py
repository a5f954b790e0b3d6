#!/usr/bin/env python3
"""Fills the evidence of docs/conformance.tsv from the requirement ids in test names: python3 scripts/conformance.py
Rows whose id stands in a test's name become `done`; a row marked `not applicable` keeps its reason. Prints what is left."""
import re, subprocess, sys
rows_path = 'docs/conformance.tsv'
known = {line.split('\t')[0] for line in open(rows_path)}
shape = re.compile(r'^[A-Z]\d{2,4}-[\w.]+-[\w.-]+$')
names, unknown = {}, set()
call = re.compile(r"\b(?:test|it|labTest)\(\s*(?:'((?:\\.|[^'\\])*)'|\"((?:\\.|[^\"\\])*)\"|`((?:\\.|[^`\\])*)`)")
for path in sorted(subprocess.check_output(['git', 'ls-files', '*.test.ts'], text=True).split()):
    for match in call.finditer(open(path).read()):
        name = re.sub(r'\\(.)', r'\1', next(g for g in match.groups() if g is not None))
        for word in dict.fromkeys(re.split(r'[\s,;:()\[\]]+', name)):
            if word in known:
                names.setdefault(word, []).append(f'{path}: {name}')
            elif shape.match(word):
                unknown.add(word)
lines = open(rows_path).read().rstrip('\n').split('\n')
rows, left = [lines[0]], []
for line in lines[1:]:
    columns = (line.split('\t') + ['', ''])[:7]
    found = names.get(columns[0], [])
    if found and columns[5] != 'not applicable':
        columns[5:7] = 'done', ' ; '.join(found[:3])
    elif columns[5] == 'done':
        columns[5:7] = 'not yet', 'no test names it'
    if columns[5] == 'not yet':
        left.append(f'{columns[0]}\t{columns[3]}\t{columns[4]}')
    rows.append('\t'.join(columns))
open(rows_path, 'w').write('\n'.join(rows) + '\n')
print('\n'.join(left))
print(f'{len(left)} rows left; in test names, but no row: {sorted(unknown)}', file=sys.stderr)
