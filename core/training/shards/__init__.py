"""Training data in shards: WebDataset-style tar files on any fsspec location, written by many machines, read by one.

A *set* of shards is ``NAME-SPLIT-000000.tar`` and on, and ``NAME.json``, its index, written last: what has no index is
not finished and is not read. A location may hold several sets; they are read in the order of their names.

A sample of a shard is one presentation: ``KEY.json`` (id, subject, species, domain) and ``KEY.safetensors`` (its face
crops as arrays, `core.model.inputs.CropBatch`). Face crops of real people are in them in plain: a location that holds
such a set must be as well kept as the collection itself.
"""

from core.training.shards.read import ShardSets, open_shards
from core.training.shards.write import SPLITS, write_shards

__all__ = ["SPLITS", "ShardSets", "open_shards", "write_shards"]
