"""The gate as a whole, on tiny voices: what is good passes, what is bad doesn't, and it says why."""

import pytest

from build_engines.certify.gate import certify
from build_engines.certify.plan import Plan
from build_engines.errors import BuildError
from tests.build.certify.conftest import make_float, make_int8
from tests.tiny_bundle import SPEAKERS, read_manifest, write_manifest

QUICK = Plan(forced=4, texts=("A short one.", "And another, a little longer, for a change."))


def failing(certificate):
    return {check.bar.key for check in certificate.checks if check.passed is False}


def test_a_voice_that_is_nearly_equal_passes(good):
    assert failing(good) == set()
    assert good.passed
    assert good.verdict.startswith("all bars are met")
    figures = {check.bar.key: check.figure.value for check in good.checks}
    assert figures["pesq"] > 4
    assert figures["token_agreement"] > 0.99
    assert figures["sentences"] >= 50


def test_a_voice_of_bad_weights_fails_in_tokens_sound_and_speaker(bad):
    assert {"token_agreement", "kl_nats", "pesq", "lsd_db"} <= failing(bad)
    assert not bad.passed
    assert "\n" not in bad.verdict
    assert "(bar:" in bad.verdict


def test_every_speaker_is_judged_both_ways(good):
    assert {row.speaker for row in good.forced} == {row.speaker for row in good.free} == set(SPEAKERS)


def test_both_voices_speak_the_tokens_that_the_float_one_draws(bad):
    durations = [row.figures["duration_ratio"] for row in bad.forced]
    assert durations == [1.0] * len(durations)


@pytest.mark.parametrize(
    ("constants", "key"),
    [
        ({"now": [[0.0] * 64 + [-50.0]]}, "loops"),  # never ends: the pointer stays on the last phone
        ({"never": [[0.0] * 64 + [50.0]]}, "early_stops"),  # ends as soon as it may
    ],
)
def test_a_voice_that_loses_its_way_fails(float_bundle, tmp_path, constants, key):
    lost = make_int8(float_bundle, tmp_path / "lost", 0.0, ("gpt_step",), **constants)
    certificate = certify(lost, float_bundle, plan=QUICK)
    assert key in failing(certificate)
    assert any(row.after.fault for row in certificate.free)
    assert not any(row.before.fault for row in certificate.free)


def test_the_same_seed_gives_the_same_certificate_and_another_seed_another(float_bundle, good_bundle):
    one, two, other = (
        certify(good_bundle, float_bundle, plan=Plan(seed=seed, forced=4, texts=QUICK.texts)) for seed in (1, 1, 2)
    )
    assert one.to_json() == two.to_json()
    assert one.to_json() != other.to_json()


def test_a_voice_without_pointers_is_certified_too(tmp_path):
    before = make_float(tmp_path / "float", classic=True)
    after = make_int8(before, tmp_path / "int8", 1e-6)
    certificate = certify(after, before, plan=QUICK)
    assert failing(certificate) == set()


def test_a_float_bundle_is_nothing_to_certify(float_bundle):
    with pytest.raises(BuildError, match="is a float bundle: there is nothing to certify"):
        certify(float_bundle, float_bundle)


def test_another_float_bundle_is_refused_with_both_ids(float_bundle, good_bundle, tmp_path):
    other = make_float(tmp_path / "other")
    write_manifest(other, {**read_manifest(other), "licence": "MIT"})
    with pytest.raises(BuildError) as caught:
        certify(good_bundle, other)
    ids = [word for word in str(caught.value).replace(",", " ").replace(":", " ").split() if len(word) == 64]
    assert len(set(ids)) == 2
    assert "\n" not in str(caught.value)


def test_speakers_that_only_one_of_them_has_are_left_out(float_bundle, tmp_path):
    after = make_int8(float_bundle, tmp_path / "int8", 0.0)
    manifest = read_manifest(after)
    manifest["speakers"]["eve"] = manifest["speakers"].pop("bob")
    write_manifest(after, manifest)
    certificate = certify(after, float_bundle, plan=QUICK)
    assert certificate.identity["speakers"] == ["ada"]


def test_nobody_in_common_is_one_clear_line(float_bundle, tmp_path):
    after = make_int8(float_bundle, tmp_path / "int8", 0.0)
    manifest = read_manifest(after)
    manifest["speakers"] = {"eve": manifest["speakers"]["ada"]}
    write_manifest(after, {**manifest, "default_speaker": "eve"})
    with pytest.raises(BuildError, match="no speaker in common"):
        certify(after, float_bundle)


def test_a_missing_extra_is_named(float_bundle, good_bundle, monkeypatch):
    monkeypatch.setattr("build_engines.commands.needs.importlib.util.find_spec", lambda name: None)
    with pytest.raises(BuildError, match=r"pesq, pystoi, pyloudnorm not installed: .*\[certify\]"):
        certify(good_bundle, float_bundle)


def test_progress_ends_where_it_said(float_bundle, good_bundle):
    seen = []
    certify(good_bundle, float_bundle, plan=QUICK, progress=lambda *step: seen.append(step))
    assert {stage: (done, total) for stage, done, total in seen} == {
        "the same tokens": (4, 4),
        "speaking freely": (50, 50),
    }
