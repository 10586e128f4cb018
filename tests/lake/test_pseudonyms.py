import base64
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.pseudonyms import (
    KEY_FILE_VARIABLE,
    KEY_ID_VARIABLE,
    KEY_VARIABLE,
    MAKE_A_KEY,
    PSEUDONYM,
    PseudonymKeyError,
    Pseudonyms,
)

SECRET = bytes(range(32))


def test_a_pseudonym_never_changes() -> None:
    assert Pseudonyms(SECRET).key("ptt", "alice01") == "k1.wv2wmyfkrq2fuckbzj6a6rmiau"


def test_source_key_and_id_each_make_another_person() -> None:
    one = Pseudonyms(SECRET)
    assert one.key("ptt", "alice") != one.key("discuz", "alice")
    assert one.key("ptt", "alice") != one.key("ptt", "Alice")
    assert one.key("ptt", "alice") != Pseudonyms(SECRET[::-1]).key("ptt", "alice")
    assert Pseudonyms(SECRET, "k2").key("ptt", "alice").startswith("k2.")
    assert one.key("ptt", "ａｌｉｃｅ") == one.key("ptt", "alice")
    assert one.key("weibo", 1234567890) == one.key("weibo", "1234567890")


@given(st.text(st.characters(codec=None, exclude_categories=[]), min_size=1))
def test_every_id_has_a_pseudonym(native_id: str) -> None:
    if native_id.strip():
        assert PSEUDONYM.fullmatch(Pseudonyms(SECRET).key("ptt", native_id))


def test_an_address_is_a_person_however_it_is_written() -> None:
    keys = Pseudonyms(b"k" * 32)
    ann = keys.key("shop", "ann.lee@mail.example")
    assert (
        ann
        == keys.key("shop", " Ann.Lee@MAIL.example\u3000")
        == keys.key("shop", "ＡＮＮ.lee@mail.example")
    )
    assert ann != keys.key("shop", "annlee@mail.example")
    assert keys.key("shop", "Ann@home") != keys.key("shop", "ann@home")  # no address: a handle


def test_nobody_has_no_pseudonym() -> None:
    for source, native_id in (("ptt", ""), ("ptt", "\u3000"), ("", "alice")):
        with pytest.raises(ValueError, match="found an empty one"):
            Pseudonyms(SECRET).key(source, native_id)


@pytest.mark.parametrize(
    "text",
    [
        SECRET.hex(),
        SECRET.hex().upper() + "\n",
        base64.b64encode(SECRET).decode(),
        base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("="),
    ],
)
def test_the_key_is_hex_or_base64(text: str) -> None:
    assert Pseudonyms.from_environment({KEY_VARIABLE: text}).key("ptt", "alice")


def test_hex_and_base64_of_one_key_agree() -> None:
    keys = {
        Pseudonyms.from_environment({KEY_VARIABLE: text}).key("ptt", "alice")
        for text in (SECRET.hex(), base64.b64encode(SECRET).decode())
    }
    assert keys == {Pseudonyms(SECRET).key("ptt", "alice")}


def test_a_missing_key_says_how_to_make_one() -> None:
    with pytest.raises(PseudonymKeyError) as caught:
        Pseudonyms.from_environment({})
    for word in (KEY_VARIABLE, KEY_FILE_VARIABLE, "openssl rand -hex 32", "neither"):
        assert word in str(caught.value)


def test_the_command_it_names_makes_a_key(tmp_path: Path) -> None:
    subprocess.run(["sh", "-c", MAKE_A_KEY], cwd=tmp_path, check=True)
    path = tmp_path / "pseudonym.key"
    found = Pseudonyms.from_environment({KEY_FILE_VARIABLE: str(path), KEY_ID_VARIABLE: "k7"})
    assert found.key("ptt", "alice").startswith("k7.")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({KEY_VARIABLE: "ab" * 31}, "at least 32 bytes, found 31"),
        ({KEY_VARIABLE: "no key!"}, "expected hex or base64"),
        ({KEY_VARIABLE: "ab" * 32, KEY_FILE_VARIABLE: "x"}, "found both"),
        ({KEY_VARIABLE: "ab" * 32, KEY_ID_VARIABLE: "K 1"}, KEY_ID_VARIABLE),
        ({KEY_FILE_VARIABLE: "/nowhere/key"}, "cannot read /nowhere/key"),
    ],
)
def test_a_bad_key_is_refused(environment: dict[str, str], words: str) -> None:
    with pytest.raises(PseudonymKeyError) as caught:
        Pseudonyms.from_environment(environment)
    assert words in str(caught.value)
    assert environment.get(KEY_VARIABLE, "?") not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    path.write_text(SECRET.hex())
    path.chmod(mode)
    with pytest.raises(PseudonymKeyError, match="chmod 600"):
        Pseudonyms.from_environment({KEY_FILE_VARIABLE: str(path)})
    path.chmod(0o400)
    assert Pseudonyms.from_environment({KEY_FILE_VARIABLE: str(path)})


def test_row_52_the_key_is_never_shown() -> None:
    shown = Pseudonyms(SECRET)
    for text in (repr(shown), str(shown), f"{shown!r:>5}", str([shown])):
        assert SECRET.hex() not in text
        assert repr(SECRET)[2:20] not in text
    assert repr(shown) == "Pseudonyms(key_id='k1')"
    assert not hasattr(shown, "__dict__")


def test_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, KEY_VARIABLE, SECRET.hex())
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)
    assert Pseudonyms.from_environment().key_id == "k1"
