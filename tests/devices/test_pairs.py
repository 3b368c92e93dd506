"""Which CANN goes with which torch_npu: the published pairs, and what follows for versions beside them."""

from __future__ import annotations

import pytest

from npu_adapt.devices.doctor.pairs import (
    COMPATIBLE,
    PUBLISHED,
    Fit,
    cann_version,
    extension_version,
    extensions_for,
    judge,
)


@pytest.mark.parametrize(
    ("cann", "extension"),
    [
        (cann, extension)
        for table in (PUBLISHED, COMPATIBLE)
        for cann, extensions in table.items()
        for extension in extensions
    ],
)
def test_every_pair_of_the_tables_fits(cann: str, extension: str) -> None:
    assert judge(cann, extension).fit is Fit.FITS
    assert judge(f"{cann}.alpha002", f"{extension}+gitabc").fit is Fit.FITS


@pytest.mark.parametrize(
    ("cann", "extension"),
    [("8.2.RC1", "2.7.1.dev20250724"), ("8.1.RC1", "2.5.1.post1.dev20250619"), ("8.1.RC1", "2.5.1.post1.dev20250528")],
)
def test_a_development_version_goes_where_its_release_does(cann: str, extension: str) -> None:
    assert judge(cann, extension).fit is Fit.FITS


@pytest.mark.parametrize(
    ("cann", "extension", "fit", "low", "high"),
    [
        ("8.2.RC1", "2.9.0", Fit.OLDER, "8.5.0", "8.5.1"),
        ("8.0.0", "2.8.0", Fit.OLDER, "8.1.RC1", "8.3.RC2"),
        ("9.0.0", "2.8.0", Fit.NEWER, "8.1.RC1", "8.3.RC2"),
        ("9.1.0", "2.9.0.post2", Fit.NEWER, "9.0.0", "9.0.0"),
        # Between two listed post-releases of one torch.
        ("8.5.0", "2.8.0.post1", Fit.FITS, "8.1.RC1", "8.5.0"),
        ("8.0.0", "2.8.0.post1", Fit.OLDER, "8.1.RC1", "8.5.0"),
        # After the last one listed of its torch.
        ("9.0.0", "2.9.0.post5", Fit.UNKNOWN, "9.0.0", None),
        ("8.5.0", "2.9.0.post5", Fit.OLDER, "9.0.0", None),
        # Newer than everything in the table: unknown, not wrong, unless it is older than an older torch_npu needs.
        ("9.0.0", "2.13.0", Fit.UNKNOWN, "9.0.0", None),
        ("12.0.0", "2.13.0", Fit.UNKNOWN, "9.0.0", None),
        ("8.5.1", "2.13.0", Fit.OLDER, "9.0.0", None),
        # Before everything in the table.
        ("7.0.0", "2.3.1", Fit.FITS, None, "8.1.RC1"),
        ("a version", "2.9.0", Fit.UNKNOWN, None, None),
    ],
)
def test_what_follows_for_versions_beside_the_table(
    cann: str, extension: str, fit: Fit, low: str | None, high: str | None
) -> None:
    pairing = judge(cann, extension)
    assert (pairing.fit, pairing.low, pairing.high) == (fit, low, high)


def test_versions_are_ordered_as_they_were_released() -> None:
    canns = ["8.1.RC1", "8.2.RC1", "8.2.RC2", "8.2.0", "8.5.0", "8.5.1", "9.0.0", "10.0.0"]
    assert sorted(canns, key=lambda each: cann_version(each) or ()) == canns
    extensions = ["2.9.0", "2.9.0.post1", "2.9.0.post2", "2.9.0.post10", "2.10.0", "2.13.0"]
    assert sorted(set(extensions), key=lambda each: extension_version(each) or ()) == extensions


def test_the_extensions_of_a_cann() -> None:
    assert extensions_for("8.5.1")[0] == "2.9.0"
    assert extensions_for("7.0.0") == ()
    assert extensions_for("of unknown version") == ()
