"""Names that no checkpoint needs. This list only chooses the words: the barrier is that nothing is ever looked up."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODULES = _words("""
    os posix nt subprocess sys shutil pty socket ctypes _ctypes importlib runpy codeop pdb bdb webbrowser timeit
    cProfile doctest pickle _pickle cPickle marshal dill cloudpickle joblib urllib urllib2 urllib3 http httplib requests
    aiohttp ftplib smtplib telnetlib xmlrpc ssl asyncio pip pkgutil ensurepip zipimport imp popen2 idlelib lib2to3
    distutils setuptools _posixsubprocess _winapi winreg msvcrt antigravity
""")
"""Whole modules; short names that a training repository may well use itself (`code`, `profile`) are not among them."""
BUILTINS = _words("""
    eval exec execfile compile open file input raw_input __import__ getattr setattr delattr globals locals vars
    breakpoint apply memoryview exit quit help
""")
PREFIXES = (
    "torch.hub", "torch.jit", "torch.package", "torch.utils.collect_env", "torch.utils.cpp_extension",
    "torch.utils.bottleneck", "torch.utils._config_module", "torch.utils.data.datapipes.utils.decoder",
    "torch.fx.experimental", "torch._inductor", "torch.distributed.run", "torch.distributed.launch", "torch.ops",
    "torch.classes", "torch._classes", "torch._ops",
    "numpy.testing", "numpy.f2py", "numpy.distutils", "logging.config", "multiprocessing.util", "test.support",
)  # fmt: skip
NAMES = frozenset(f"builtins.{name}" for name in BUILTINS) | frozenset(
    (
        "code.interact", "code.InteractiveInterpreter", "code.InteractiveConsole", "platform.popen", "profile.run",
        "profile.Profile", "trace.Trace", "commands.getoutput", "commands.getstatusoutput",
        "io.open", "io.open_code", "_io.open", "_io.FileIO", "io.FileIO", "codecs.open",
        "operator.methodcaller", "operator.attrgetter", "operator.call", "_operator.methodcaller",
        "_operator.attrgetter", "_operator.call", "functools.reduce", "_functools.reduce",
        "types.CodeType", "types.FunctionType", "types.ModuleType", "types.MethodType",
        "torch.load", "torch.serialization.load", "torch.serialization._load", "torch.serialization._legacy_load",
        "torch.storage._load_from_bytes", "torch.save", "torch.serialization.save", "torch.compile",
        "torch.from_file", "torch.utils.model_zoo.load_url", "torch.load_library",
        "numpy.load", "numpy.fromfile", "numpy.memmap", "numpy.loadtxt", "numpy.save", "numpy.fromregex",
        "pandas.read_pickle", "pandas.io.pickle.read_pickle", "pandas.eval", "yaml.load", "yaml.unsafe_load",
        "hydra.utils.instantiate", "hydra.utils.call", "cffi.FFI", "threading.Thread", "threading.Timer",
    )
)  # fmt: skip
WORDS = _words("system popen Popen exec eval execve spawnl check_output os subprocess sys __import__ builtins")
CONDITIONAL = "builtins.getattr"
"""Python 3.11's enums are written as a getattr on their class: `known_names` decides."""
PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg", "exceptions": "builtins"}


def modern(module: str) -> str:
    """The Python 3 name of a module; torch's default protocol 2 writes the old one."""
    return PYTHON_2.get(module, module)


def is_dangerous(module: str, name: str) -> bool:
    """Whether a checkpoint that mentions this cannot be up to any good. `module` as from `modern`."""
    full = f"{module}.{name}"
    if full in ("os.PathLike", CONDITIONAL):
        return False
    if full in NAMES or module.partition(".")[0] in MODULES:
        return True
    if any(full == prefix or full.startswith(prefix + ".") for prefix in PREFIXES):
        return True
    parts = name.split(".")
    return len(parts) > 1 and (not WORDS.isdisjoint(parts) or f"{parts[-2]}.{parts[-1]}" in NAMES)
