"""Generated text that all benchmarks share: English and Chinese in sentences, words as frequent as Zipf's law has them."""

import random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

_WORDS = 20_000
_LANGUAGES = {
    # what joins words, what ends a clause and a sentence, words a record of about 875 bytes
    "english": (" ", ",", ".", 148),
    "chinese": ("", "，", "。", 154),
}


class Prose:
    """Texts of one language, the same for the same seed.

    Args:
        language: english | chinese.
        seed: of everything drawn.
    """

    def __init__(self, language, seed=7):
        chance = random.Random(seed)  # noqa: S311 - a seed, not a secret
        self.between, comma, stop, self.usual = _LANGUAGES[language]
        words = {}
        while len(words) < _WORDS:
            if language == "english":  # frequent words are short
                words[
                    "".join(chance.choices("etaoinshrdlucmfwyp", k=min(3 + len(words) // 60, chance.randint(2, 9))))
                ] = 0
            else:
                count = chance.choice((1, 1, 2, 2, 2, 3))
                words["".join(chr(0x4E00 + min(int(chance.expovariate(1 / 500)), 2999)) for _ in range(count))] = 0
        self._written = pa.array([
            *words, *(word.capitalize() for word in words), *(word + comma for word in words),
            *(word + stop for word in words),
        ])  # fmt: skip
        self._chance = np.random.default_rng(seed)
        self._zipf = np.cumsum(1 / (np.arange(_WORDS) + 2.7))
        self._zipf /= self._zipf[-1]

    def words(self, count):
        """Numbers of words, the frequent ones often."""
        return np.searchsorted(self._zipf, self._chance.random(count))

    def texts(self, count, words=None):
        """As many texts, of half to one and a half times so many words; those of a record of 875 bytes by default."""
        usual = words or self.usual
        sizes = self._chance.integers(usual // 2, usual + usual // 2, count, endpoint=True)
        offsets = np.r_[0, np.cumsum(sizes)]
        tokens, draw = self.words(offsets[-1]), self._chance.random(offsets[-1])
        ends = draw < 1 / 14
        ends[offsets[1:] - 1] = True
        first = np.r_[True, ends[:-1]]
        tokens += _WORDS * np.where(ends, 3, np.where(first, 1, np.where(draw > 11 / 12, 2, 0)))
        lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), self._written.take(pa.array(tokens)))
        return pc.binary_join(lists, self.between)

    def pick(self, count):
        """As many words, each as likely as any other."""
        return self._written.take(pa.array(self._chance.integers(0, _WORDS, count)))


@pytest.fixture(scope="session")
def prose():
    """Make texts: `prose(language, seed)`."""
    return Prose
