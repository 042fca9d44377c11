"""The legal variants are what they say: permitted by sentences that exist, and applicable."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conformance.catalogue import load_catalogue
from conformance.manifest.loading import load_manifest
from tests.variants.manifests import LAUNCHER, manifest_text
from tests.variants.registry import (
    Variant,
    VariantError,
    all_variants,
    declared,
    find_variants,
)

TOP = Path(__file__).resolve().parents[3]
VARIANTS = all_variants()
FEWEST = 8
LIMIT_S = 120.0


def test_there_are_enough_and_each_says_in_a_sentence_what_it_does() -> None:
    assert len(VARIANTS) >= FEWEST
    assert [each.name for each in VARIANTS if not each.about.endswith(".")] == []
    assert [each.name for each in VARIANTS if not each.name.isidentifier()] == []


def test_each_is_permitted_by_a_sentence_of_the_specification() -> None:
    catalogue = load_catalogue()
    assert [each.name for each in VARIANTS if not each.permitted_by] == []
    for each in VARIANTS:
        for name in each.permitted_by:
            catalogue.require(name)
        assert [pattern for pattern in each.plays if not catalogue.matching(pattern)] == []


def test_a_name_is_taken_once_and_an_unknown_one_is_refused() -> None:
    with pytest.raises(VariantError, match="two variants called"):
        declared(VARIANTS[0])
    with pytest.raises(VariantError, match="no variant called nobody"):
        find_variants(["nobody"])


def test_each_variant_applies() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "tests.variants.program", "check"],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert checked.stdout + checked.stderr == ""
    assert checked.returncode == 0


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda each: each.name)
def test_each_has_a_manifest_that_starts_it(variant: Variant, tmp_path: Path) -> None:
    path = tmp_path / "variant.toml"
    path.write_text(manifest_text([variant]), encoding="utf-8")
    command = load_manifest(path).launch.command
    assert command[1:4] == (str(LAUNCHER), variant.name, "{workflow}")


def test_all_can_be_tried_together() -> None:
    document = tomllib.loads(manifest_text(VARIANTS))
    assert len(document["launch"]["command"][2].split(",")) == len(VARIANTS)


def test_what_a_variant_declares_otherwise_has_to_be_there() -> None:
    stale = Variant(name="x", about="", permitted_by=(), declares={"colour = 1": "colour = 2"})
    with pytest.raises(VariantError, match="has no line"):
        manifest_text([stale])


def test_two_that_declare_one_line_otherwise_are_not_tried_together() -> None:
    line = "smallest_poll_interval_ms = 50"
    pair = [
        Variant(name="a", about="", permitted_by=(), declares={line: "smallest = 1"}),
        Variant(name="b", about="", permitted_by=(), declares={line: "smallest = 2"}),
    ]
    with pytest.raises(VariantError, match=json.dumps(line)[1:-1]):
        manifest_text(pair)


def test_the_launcher_works_from_any_directory(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(LAUNCHER), "hooks_by_sh,logs_are_json", "--version"],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (ran.returncode, ran.stdout.partition(" ")[0]) == (0, "symphony")
