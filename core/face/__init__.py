"""From a frame set to one face crop: detection, tracking, cropping."""
