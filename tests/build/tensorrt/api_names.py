"""Which of TensorRT's names does a source file use? Read by `ast`, without running it.

A rule that can be followed by hand:

- `trt` (or `tensorrt`), alone or as the last part of `self.trt`, is the module. `trt.X` and `trt.X.Y` are looked up.
- What a listed class or method gives is tracked through assignments, to locals and to `self`: `trt.Builder(log)` is a
  Builder, its `create_network` gives an INetworkDefinition (GIVES), and so on. Every attribute of these is looked up.
- A parameter annotated `Any` is TensorRT's if it goes by one of the names in KINDS, and must be one of them or of
  OTHERS, so that none slips by. So is a local of those names in LOCALS whose value comes from a function of ours.
- A class derived from one of TensorRT's must define the methods that TensorRT calls (CALLBACKS).
- An attribute of anything, if it goes by a name that some versions have and others lack, is suspected too, unless
  Python's own objects have it.
- A file that imports pycuda or cuda holds CUDA's objects, no TensorRT: there only `trt` is looked for.
"""

from __future__ import annotations

import ast
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

KINDS = {
    "builder": "Builder",
    "network": "INetworkDefinition",
    "parser": "OnnxParser",
    "config": "IBuilderConfig",
    "runtime": "Runtime",
    "engine": "ICudaEngine",
    "context": "IExecutionContext",
    "error": "ParserError",
    "timings": "ITimingCache",
}
LOCALS = ("builder", "network", "parser", "config")
OTHERS = ("trt", "logger", "log", "monitor", "severity", "msg", "value", "shape", "status", "result", "call")
GIVES = {
    "Builder.create_network": "INetworkDefinition",
    "Builder.create_builder_config": "IBuilderConfig",
    "Builder.create_optimization_profile": "IOptimizationProfile",
    "Builder.build_serialized_network": "IHostMemory",
    "INetworkDefinition.get_input": "ITensor",
    "INetworkDefinition.get_output": "ITensor",
    "OnnxParser.get_error": "ParserError",
    "IBuilderConfig.create_timing_cache": "ITimingCache",
    "IBuilderConfig.get_timing_cache": "ITimingCache",
    "ITimingCache.serialize": "IHostMemory",
    "Runtime.deserialize_cuda_engine": "ICudaEngine",
    "ICudaEngine.create_execution_context": "IExecutionContext",
    "IExecutionContext.engine": "ICudaEngine",
}
CALLBACKS = {"IProgressMonitor": ("phase_start", "step_complete", "phase_finish"), "ILogger": ("log",)}

PLAIN = {name for kind in (dict, list, str, bytes, set, io.BufferedWriter) for name in dir(kind)}

Lists = Sequence[Mapping[str, Sequence[str] | None]]


@dataclass
class Findings:
    """`used` are the names that were looked up, `wrong` those that not all lists have, with their lines."""

    used: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def check(source: str, lists: Lists) -> Findings:
    """Looks up every use of TensorRT in a module's source."""
    findings = Findings()
    tree = ast.parse(source)
    mine: dict[str, str] = {}
    _Scope(lists, findings, {}, mine, about_cuda=_imports_cuda(tree)).visit(tree)
    return findings


def _imports_cuda(tree: ast.AST) -> bool:
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names]
    return any(module.split(".")[0] in ("pycuda", "cuda") for module in modules)


class _Scope(ast.NodeVisitor):
    """Walks over one function or class. `known` are its locals, `mine` what `self` holds."""

    def __init__(self, lists: Lists, findings: Findings, known: dict[str, str], mine: dict[str, str], **options: bool):
        self.lists, self.findings, self.known, self.mine, self.options = lists, findings, known, mine, options
        members = [{name for kind in version.values() for name in kind or ()} for version in lists]
        self.partial = set.union(*members) - set.intersection(*members) - PLAIN

    def wrong(self, node: ast.AST, text: str) -> None:
        self.findings.wrong.append(f"line {node.lineno}: {text}")

    def look_up(self, node: ast.AST, name: str, member: str | None = None) -> None:
        shown = name if member is None else f"{name}.{member}"
        if (member or name).startswith("__"):
            return
        for version in self.lists:
            if name not in version or (member is not None and member not in (version[name] or ())):
                self.wrong(node, f"not every TensorRT has {shown}")
                return
        self.findings.used.add(shown)

    def kind(self, node: ast.AST) -> str | None:
        """ "module", "class X", or the class that an expression is an instance of; None for what isn't TensorRT's."""
        if isinstance(node, ast.Name):
            return "module" if node.id in ("trt", "tensorrt") else self.known.get(node.id)
        if isinstance(node, ast.Attribute):
            if node.attr in ("trt", "_trt"):
                return "module"
            if isinstance(node.value, ast.Name) and node.value.id == "self" and node.attr in self.mine:
                return self.mine[node.attr]
            owner = self.kind(node.value)
            if owner == "module":
                return f"class {node.attr}"
            return None if owner is None else GIVES.get(f"{owner}.{node.attr}")
        if isinstance(node, ast.Call):
            made = self.kind(node.func)
            return made.removeprefix("class ") if made else None
        if isinstance(node, ast.IfExp):
            return self.kind(node.body) or self.kind(node.orelse)
        return None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        owner = self.kind(node.value)
        if owner == "module":
            self.look_up(node, node.attr)
        elif owner is not None:
            self.look_up(node, owner.removeprefix("class "), node.attr)
        elif node.attr in self.partial:
            self.wrong(node, f"{node.attr} is a name that only some TensorRT has")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        kind = self.kind(node.value)
        ours = (
            isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name) and node.value.func.id.islower()
        )
        for target in node.targets:
            for item in target.elts if isinstance(target, ast.Tuple) else [target]:
                self.assign(item, kind if not isinstance(target, ast.Tuple) else None, ours)
        self.generic_visit(node)

    def assign(self, target: ast.AST, kind: str | None, ours: bool) -> None:
        if isinstance(target, ast.Name):
            kind = kind or (KINDS[target.id] if ours and target.id in LOCALS else None)
            self.known.pop(target.id, None)
            if kind:
                self.known[target.id] = kind
        elif (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id == "self"
            and kind
        ):
            self.mine[target.attr] = kind

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.kind(node.value), False)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        inner = _Scope(self.lists, self.findings, dict(self.known), self.mine, **self.options)
        for argument in (*node.args.args, *node.args.kwonlyargs):
            inner.known.pop(argument.arg, None)
            is_any = isinstance(argument.annotation, ast.Name) and argument.annotation.id == "Any"
            if is_any and not self.options["about_cuda"]:
                if argument.arg in KINDS:
                    inner.known[argument.arg] = KINDS[argument.arg]
                elif argument.arg not in OTHERS:
                    self.wrong(node, f"what is the parameter {argument.arg!r} of {node.name}? name it as in KINDS")
        for statement in node.body:
            inner.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            name = (self.kind(base) or "").removeprefix("class ")
            defined = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
            for callback in CALLBACKS.get(name, ()):
                self.look_up(node, name, callback)
                if callback not in defined:
                    self.wrong(node, f"{node.name} lacks {name}'s {callback}")
        inner = _Scope(
            self.lists, Findings(), dict(self.known), {}, **self.options
        )  # what `self` holds, whatever the order
        inner.generic_visit(node)
        outer, self.mine = self.mine, inner.mine
        self.generic_visit(node)
        self.mine = outer
