"""The dashboard: reads a published release, shows it. Imports neither `ingest` nor the warehouse."""
