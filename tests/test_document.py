"""Documents: a file becomes exactly its text, or an error that names the byte and the remedy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hier
from hier.document import decode


def test_a_file_is_read_to_the_character(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("é\r\nb\rc\n\u2028".encode())
    document = hier.Document.from_path(path)
    assert (document.text, document.name) == ("é\r\nb\rc\n\u2028", str(path))


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_is_obeyed_and_not_part_of_the_text(codec):
    assert decode("\ufeffGrüße\r\n".encode(codec), "a.txt") == "Grüße\r\n"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0\ufeff")))
def test_what_was_encoded_is_decoded_to_the_character(text):
    for codec in ("utf-8", "utf-16", "utf-32"):
        assert decode(text.encode(codec), "a.txt", codec) == text


def as_python_reads(raw, encoding):
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


@given(st.binary(max_size=40), st.sampled_from(["utf-16", "utf-32", "cp1252", "ascii", "big5"]))
def test_bytes_are_read_strictly_or_refused_in_one_line(raw, encoding):
    expected = as_python_reads(raw, encoding)
    if expected is not None:
        assert decode(raw, "a.txt", encoding) == expected
        return
    with pytest.raises(hier.InputError, match=f"^a.txt is not valid {encoding}: byte 0x.*latin-1$"):
        decode(raw, "a.txt", encoding)


def test_an_encoding_is_what_the_user_says():
    assert decode("Grüße".encode("cp1252"), "a.txt", "cp1252") == "Grüße"
    with pytest.raises(hier.InputError, match="unknown encoding 'klingon'; try utf-8"):
        decode(b"a", "a.txt", "klingon")
    with pytest.raises(hier.InputError, match="not valid utf-16: byte 0x78 at position 6"):
        decode("ab".encode("utf-16") + b"x", "a.txt")
    with pytest.raises(hier.InputError, match="not valid ascii: byte 0xc3 at position 2"):
        decode("Grüße".encode(), "a.txt", "ascii")


@pytest.mark.parametrize("name", ["hex", "rot13", "undefined", "", "a\0b"])
def test_a_codec_that_is_not_of_texts_is_unknown(name):
    with pytest.raises(hier.InputError, match=r"unknown encoding .*; try utf-8, latin-1 or cp1252"):
        decode(b"abc", "a.txt", name)


def test_a_byte_that_does_not_fit_is_named():
    with pytest.raises(hier.InputError) as raised:
        decode(b"abc\xff", "a.txt")
    assert str(raised.value) == (
        "a.txt is not valid utf-8: byte 0xff at position 3; name its encoding, "
        "for example --encoding latin-1"
    )


def test_binary_is_not_taken_for_text():
    with pytest.raises(hier.InputError, match=r"a\.bin looks binary \(byte 0x00 at position 1\)"):
        decode(b"\x01\x00\x02", "a.bin")


def test_what_is_no_readable_file_is_named(tmp_path, monkeypatch):
    with pytest.raises(hier.InputError, match=r"missing.txt does not exist; check the path"):
        hier.build(tmp_path / "missing.txt")
    with pytest.raises(hier.InputError, match="is a folder; pass one text file"):
        hier.build(tmp_path)
    with pytest.raises(hier.InputError, match=r"cannot be read: .*null"):
        hier.build(Path("a\0b"))
    with pytest.raises(hier.InputError, match="cannot be read: File name too long"):
        hier.build(Path("x" * 5000))

    def refuse(path, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(hier.InputError, match="cannot be read: Permission denied"):
        hier.build(tmp_path / "secret.txt")


@pytest.mark.parametrize("text", ["", " \n\t ", "\u2003\x0c"])
def test_a_blank_text_is_refused(text):
    with pytest.raises(hier.InputError, match="the text is empty or blank; pass a text with words"):
        hier.build(text)
    with pytest.raises(hier.InputError, match=r"a\.txt is empty or blank"):
        hier.build(hier.Document(text, "a.txt"))


@pytest.mark.parametrize("source", [None, 7, b"bytes", ["list"]])
def test_what_is_no_text_is_refused(source):
    with pytest.raises(hier.InputError, match="pass a str, a Path or a Document"):
        hier.build(source)


@pytest.mark.parametrize("text", [None, 7, b"bytes"])
def test_a_document_of_no_text_is_refused(text):
    with pytest.raises(hier.InputError, match=r"the text of a Document is of type .*; pass a str"):
        hier.build(hier.Document(text))
