"""One base class per way of access; a source adds attributes and the reading of its pages."""
