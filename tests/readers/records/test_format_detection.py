"""Sniffing: content first, the suffix only where content leaves a choice."""

import gzip
import io
import pickle
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.readers.records import detect_format


def _tar(form):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "path", "name"),
    [
        (b"", "a.json", "empty"),
        (b" \n", "a.json", "text"),
        (b'{"a": 1}\n{"a": 2}\n', "a", "jsonl"),
        (b'{"a": 1}\n{"a": 2}\n', "a.png", "jsonl"),
        (b'{"a": 1}', "a.jsonl", "jsonl"),
        (b'{"a": 1}', "a", "json"),
        (b'{\n "a": 1\n}', "a.jsonl", "jsonl"),
        (b'[{"a": 1}]', "a.jsonl", "json"),
        (b"[1]\n[2]\n", "a", "jsonl"),
        (b'[{"a": 1},\n {"a"', "a", "json"),
        (b'{"a": \n{"a": 1}\n', "a.jsonl", "jsonl"),
        (b'"a"\n"b"\n', "a.jsonl", "jsonl"),
        (b"[Scene 1]\nA wood.\n", "a.txt", "text"),
        (b"[section]\nkey = 1\n", "a.cfg", "text"),
        (b"{{template}} words", "a.md", "text"),
        (b'\xef\xbb\xbf{"a": 1}\n{"a": 2}', "a", "jsonl"),
        (b"\xff\xfe" + '{"a": 1}\n{"a": 2}'.encode("utf-16-le"), "a", "jsonl"),
        (b"question,answer\n", "a.csv", "csv"),
        (b"a\tb\n1\t2\n3\t4\n5\t6\n7\t8\n", "a", "csv"),
        (b"One, two, three.\nFour, five.\n", "a", "text"),
        (b"Dear all,\n\nYes, it is.\n", "a.txt", "text"),
        (b"# Title\n\nwords\n", "a.md", "text"),
        (b"a: 1\n", "a.yml", "yaml"),
        (b"<html><body>", "a.txt", "html"),
        (b"<!DOCTYPE html>", "a", "html"),
        (b"<?xml version='1.0'?>", "a.txt", "xml"),
        (b"<tei><p>", "a.xml", "xml"),
        (b"<b>bold</b> words", "a.txt", "text"),
        (pickle.dumps([1]), "a.jsonl", "pickle"),
        (pickle.dumps([1], protocol=2), "a", "pickle"),
        (b"\x93NUMPY\1\0", "a.npy", "numpy"),
        (b"\0\1\2\3" * 10, "a.json", "unknown"),
        (b'{"a": "\0"}\n{"a": "plain words and more of them, so that zeros are rare"}\n', "a", "jsonl"),
        (gzip.compress(b"x", mtime=0), "a.txt", "gzip"),
        (b"BZh is how this sentence starts.", "a.txt", "text"),
        (b"ID3 is a decision tree.", "a.txt", "text"),
        (b"ORChestras play.", "a.txt", "text"),
        (_tar(tarfile.USTAR_FORMAT), "a", "tar"),
        (_tar(tarfile.GNU_FORMAT), "a.json", "tar"),
        (b"PK\5\6" + b"\0" * 18, "a", "zip"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a", "wav"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a.parquet", "text"),
    ],
)
def test_names(head, path, name):
    assert detect_format(head, path) == name


@given(st.binary(max_size=600), st.sampled_from(["a", "a.json", "a.csv", "a.txt", ".", ""]))
def test_no_bytes_raise(head, path):
    assert detect_format(head, path)
