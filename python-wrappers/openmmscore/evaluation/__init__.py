"""How near frames are to data: analysis of frames and histograms, metrics, table, figure.

`openmmscore.evaluate` is the command.
"""
