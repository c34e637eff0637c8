"""Puts a certificate into its bundle: a whole new folder is made beside it and takes its place in one step."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from build_engines.bundles.exchange import exchange, synchronise
from build_engines.bundles.writer import draft
from build_engines.certify.certificate import FILE, Certificate, content_hash
from build_engines.errors import BuildError
from edge_tts.bundle import Bundle, open_bundle, parse_manifest

__all__ = ["write_certificate"]

_MANIFEST = "manifest.json"


def write_certificate(folder: Path, certificate: Certificate) -> Bundle:
    """Writes it into the bundle in `folder`, in place of an older one; returns the bundle, which has a new id.

    `folder` may be a finished bundle or a draft with a manifest. Graphs and weights are linked, not read; whatever
    interrupts, the old folder stays whole. Raises BuildError: it is another bundle than the one that was certified;
    BundleError, OSError.
    """
    target = folder.resolve()
    raw = (target / _MANIFEST).read_bytes()
    if content_hash(raw) != certificate.identity["candidate"]["content"]:
        raise BuildError(f"{folder} is not the bundle that was certified: run edgetts-build certify on it")
    tree, proof = json.loads(raw), certificate.to_json()
    older = (tree.get("certificate") or {}).get("file")
    if older is not None:
        tree["files"].pop(older, None)
    tree["certificate"] = certificate.entry
    tree["files"][FILE] = {"sha256": hashlib.sha256(proof).hexdigest(), "bytes": len(proof)}
    # The files come last in a manifest.
    tree["files"] = tree.pop("files")
    made = json.dumps(tree, indent=1, ensure_ascii=False).encode()
    parse_manifest(made)
    with draft(target) as part:
        for name in tree["files"]:
            if name != FILE:
                _link(target / name, part / name)
        for name, data in ((FILE, proof), (_MANIFEST, made)):
            (part / name).write_bytes(data)
            synchronise(part / name)
        synchronise(part)
        if (target / _MANIFEST).read_bytes() != raw:
            raise BuildError(f"{folder} was changed meanwhile: run the same command again")
        exchange(part, target)
    return open_bundle(target)


def _link(source: Path, target: Path) -> None:
    """A hard link, or a copy where the file system has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
