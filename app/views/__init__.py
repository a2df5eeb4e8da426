"""The views: no SQL, no figures; each asks `app.session` for data and draws."""
