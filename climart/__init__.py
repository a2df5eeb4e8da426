"""Climart: an open climate-risk data mart for France."""
