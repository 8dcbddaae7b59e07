"""Open bytes: block digests, compression, archives, limits, and a second look that notices change.

Bytes are read once: what is parsed has been digested in the same read (`Tap`). Formats that need a second, random read
(the footer of Parquet, the directory of zip) get it through `Checked`, which holds every block to its first digest.
A fault of the data never raises while it streams: a `Stream` ends early and says so in `fault`.
"""

from __future__ import annotations

from provenance.readers.storage.archives import Archive, Member
from provenance.readers.storage.block_digests import BLOCK_BYTES, BlockDigest, CheckedFile, DigestingReader, Readable
from provenance.readers.storage.decompression import DECOMPRESSION_ERRORS, Decompressor, decompress
from provenance.readers.storage.formats import CODECS, CONTAINERS
from provenance.readers.storage.limits import LIMITS, Budget, Limits
from provenance.readers.storage.regular_files import explain_refusal, open_regular
from provenance.readers.storage.streams import WRONG_CHECKSUM, Stream, copy_to_file
from provenance.readers.storage.text_encodings import SAMPLE_BYTES, find_declared_encoding, guess_encoding
from provenance.readers.storage.transcoding import has_old_line_ends, transcode, unify_line_ends

__all__ = [
    "BLOCK_BYTES",
    "CODECS",
    "CONTAINERS",
    "DECOMPRESSION_ERRORS",
    "LIMITS",
    "SAMPLE_BYTES",
    "WRONG_CHECKSUM",
    "Archive",
    "BlockDigest",
    "Budget",
    "CheckedFile",
    "Decompressor",
    "DigestingReader",
    "Limits",
    "Member",
    "Readable",
    "Stream",
    "copy_to_file",
    "decompress",
    "explain_refusal",
    "find_declared_encoding",
    "guess_encoding",
    "has_old_line_ends",
    "open_regular",
    "transcode",
    "unify_line_ends",
]
