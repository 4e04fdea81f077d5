"""Models, forces and Systems, which `openmmscore` exports, and what follows from a model alone."""
