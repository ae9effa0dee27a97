"""Flowglass without a screen: checkpoint -> network -> segmenter -> prediction -> measurement."""
