"""The slice views: image, overlay, outline and reference of each checkpoint, linked in pan, zoom, slice and t.

Coordinates: the centre of the voxel (row, column) lies at x = column, y = row; a voxel reaches half a unit each way.
Every item of the canvas keeps to this, so what lies over a voxel is drawn over that voxel at any zoom.
"""
