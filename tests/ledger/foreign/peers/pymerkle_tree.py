"""Check roots and proofs of an RFC 9162 tree with pymerkle: a file of JSON, see `tree` in ../test_trees.py."""

import json
import sys
from pathlib import Path

from pymerkle import InclusionProof, InmemoryTree, InvalidProof, verify_consistency
from pymerkle.core import _inclusion_path_layout

asked = json.loads(Path(sys.argv[1]).read_bytes())
entries = [bytes.fromhex(text) for text in asked["entries"]]
roots = [bytes.fromhex(text) for text in asked["roots"]]
tree = InmemoryTree(algorithm="sha256")
for entry in entries:
    tree.append_entry(entry)

for size, root in enumerate(roots):
    if tree.get_root(size) != root:
        sys.exit(f"another root of {size} entries")

size = len(entries)
for index, path in enumerate(asked["inclusion"]):
    leaf = tree.get_leaf(index + 1)
    hashes = [leaf, *map(bytes.fromhex, path)]
    rule, _ = _inclusion_path_layout(index + 1, size)
    try:
        InclusionProof("sha256", True, size, index + 1, rule, hashes).verify(leaf, roots[size])
    except InvalidProof as error:
        sys.exit(f"entry {index} is not proven: {error}")

# Its consistency proofs go down to a leaf, which those of RFC 9162 do not: its own are checked between our roots.
for old in range(1, size + 1):
    try:
        verify_consistency(roots[old], roots[size], tree.prove_consistency(old, size), old, size)
    except InvalidProof as error:
        sys.exit(f"the first {old} entries are not proven: {error}")
print(f"{size} entries, all roots and proofs verified")
