"""Public collections of captures, each read as rows of the project's manifest (method.md section 7).

``open_collection(name, root, cache).protocol(name)`` gives the rows of a published protocol; `benchmark.run` judges a
model by it. Nothing of a collection is ever copied into the project: pictures stay where they are, and what comes as
HDF5 or npz is extracted, without loss, into a folder that the user names.
"""

from core.data.collections.collection import Collection
from core.data.collections.protocol import Protocol, Published, Reporting
from core.data.collections.registry import NAMES, open_collection

__all__ = ["NAMES", "Collection", "Protocol", "Published", "Reporting", "open_collection"]
