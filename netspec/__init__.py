"""netspec: a language for convolutional networks.

    import netspec

    spec = netspec.load("specs/alexnet.net")
    spec.net.graph.num_params      # 60_965_224
    print(spec.render())

Importing this only defines names; the compiler loads when it is first called.
"""

from netspec.api import Spec, check, load
from netspec.diagnostics import CompileError, Diagnostic, Severity

__all__ = ["CompileError", "Diagnostic", "Severity", "Spec", "check", "load"]
__version__ = "0.1.0"
