"""Nodes of several views: which pairs of them say what no view by itself says.

A pair has a prompt or a column on one side at least: wholes and answers among themselves say little more than the
wholes. Two texts of one view (whole with whole, prompt with prompt) are compared where that view is. Of two texts that
stand in the same files nothing is to be learnt here either: each has its own words in every file of the other's, which
is the closer match; and of a text inside longer ones nothing, where it stands by itself in the files of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from numba import njit

from provenance.core.scratch.scratch_arrays import create_array, open_array
from provenance.similarity.candidates import distinct_texts

if TYPE_CHECKING:
    from pathlib import Path

    from provenance.similarity.candidates.distinct_texts import Nodes

Ints = npt.NDArray[np.int64]

WHOLE, PROMPT, ANSWER, FIELD = (1 << view for view in range(4))
"""Bits of a node: it is the whole of a record, a prompt, an answer, one column among several."""

_NODES_AT_A_TIME = 1 << 16


@njit(nogil=True, cache=True)
def _mark_views(first: Any, row: Any, shift: Any, begin: Any, end: Any, views: Any) -> None:
    for node in range(begin, end):
        for member in range(first[node], first[node + 1]):
            views[node] |= np.uint8(1 << min(row[member] >> shift, 3))


def write_views(nodes: Nodes, folder: Path) -> None:
    """Write of every node which views its members are.

    Args:
        nodes: the nodes.
        folder: theirs.
    """
    views = create_array(folder / distinct_texts.VIEWS_FILE_NAME, np.uint8, len(nodes))
    for at in range(0, len(nodes), _NODES_AT_A_TIME):
        end = min(at + _NODES_AT_A_TIME, len(nodes))
        _mark_views(nodes.first, nodes.row, np.int64(distinct_texts.ROW_BITS), at, end, views)


def open_views(folder: Path) -> npt.NDArray[np.uint8]:
    """Map what `write_views` wrote.

    Args:
        folder: of the nodes.
    """
    return open_array(folder / distinct_texts.VIEWS_FILE_NAME, np.uint8)


class ViewPairs(NamedTuple):
    """What is known of nodes to judge pairs of them.

    Args:
        views: bits of each node.
        first: n + 1 offsets: where the files of each node begin.
        owner: files, those of a node sorted.
    """

    views: npt.NDArray[np.uint8]
    first: Ints
    owner: npt.NDArray[np.int32]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load it from the folder of the nodes.

        Args:
            folder: in which `write_views` wrote.
        """
        cells = distinct_texts.load_nodes(folder).cells
        return cls(open_views(folder), cells.first, cells.owner)

    def tell_new(
        self, left: npt.NDArray[Any], right: npt.NDArray[Any], *, inside: bool = False
    ) -> npt.NDArray[np.bool_]:
        """Tell which pairs say what no view by itself says.

        Args:
            left: numbers of nodes.
            right: of as many others.
            inside: whether the left ones are to stand inside the right ones.
        """
        new: npt.NDArray[np.bool_] = _tell_new(*self, left, right, inside)
        return new


@njit(nogil=True, cache=True)
def _tell_new(views: Any, first: Any, owner: Any, left: Any, right: Any, inside: Any) -> Any:
    new = np.zeros(left.shape[0], np.bool_)
    for k in range(left.shape[0]):
        a, b = left[k], right[k]
        both = views[a] | views[b]
        if both & (PROMPT | FIELD) == 0 or both == PROMPT:
            continue
        i, j, last_i, last_j = first[a], first[b], first[a + 1], first[b + 1]
        if not inside and last_i - i != last_j - j:
            new[k] = True
            continue
        while j < last_j and not new[k]:  # is every file of the right one a file of the left one?
            while i < last_i and owner[i] < owner[j]:
                i += 1
            new[k] = i == last_i or owner[i] != owner[j]
            j += 1
    return new


@njit(nogil=True, cache=True)
def _are_shared(views: Any, first: Any, begin: Any, end: Any) -> Any:
    shared = np.zeros(end - begin, np.bool_)
    for node in range(begin, end):
        kinds = views[node]
        one = kinds & (kinds - np.uint8(1)) == 0 and kinds != FIELD
        shared[node - begin] = first[node + 1] - first[node] > 1 and kinds & (PROMPT | FIELD) > 0 and not one
    return shared


def are_shared(pairs: ViewPairs, nodes: slice) -> npt.NDArray[np.bool_]:
    """Tell which nodes stand in several files, and in several views or in a column.

    Args:
        pairs: what is known of all nodes.
        nodes: which.
    """
    end = min(nodes.stop, len(pairs.views))
    shared: npt.NDArray[np.bool_] = _are_shared(pairs.views, pairs.first, nodes.start, end)
    return shared
