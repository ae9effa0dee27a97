"""The networks Flowglass can rebuild. This list is the whole of it; its order decides nothing.

Importing this module loads no torch: detection and sizes are plain Python, `build` imports torch when it is called.
"""

from core.networks.architecture import Architecture, NetworkConfig, Shapes, SizesUnclear, detect_architectures
from core.networks.csnet.config import CSNET
from core.networks.dhariwal.config import DHARIWAL_CONCAT, DHARIWAL_MULTIHEAD
from core.networks.diffusion.config import BERDIFF, COLDDIFF, MEDSEGDIFF, SEGDIFF
from core.networks.dscnet.config import DSCNET
from core.networks.medsegdiff.config import MEDSEGDIFF_FLOW, MEDSEGDIFF_MULTITASK, MEDSEGDIFF_SOFT2HARD
from core.networks.nnunet.config import NNUNET
from core.networks.segdiff.config import SEGDIFF_FLOW

ARCHITECTURES: tuple[Architecture, ...] = (
    MEDSEGDIFF_FLOW,
    MEDSEGDIFF_MULTITASK,
    MEDSEGDIFF_SOFT2HARD,
    SEGDIFF_FLOW,
    DHARIWAL_CONCAT,
    DHARIWAL_MULTIHEAD,
    CSNET,
    DSCNET,
    NNUNET,
    MEDSEGDIFF,
    SEGDIFF,
    BERDIFF,
    COLDDIFF,
)

__all__ = ["ARCHITECTURES", "Architecture", "NetworkConfig", "Shapes", "SizesUnclear", "detect_architectures"]
