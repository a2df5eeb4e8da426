"""The dashboard: `streamlit run app/streamlit_app.py`. Frame, then the one view."""

from __future__ import annotations

import streamlit as st

from app import session
from app.data import NoRelease, UnreadableRelease
from app.i18n import LANGUAGES, words
from app.views import carte, frame


def main() -> None:
    """One page: what fails is said in words, in the language of the address."""
    st.set_page_config(page_title=words(LANGUAGES[0])("app.page_title"), layout="wide")
    frame.style()
    asked = [lang for lang in LANGUAGES if lang == st.query_params.get("lang")]
    spoken = words((asked or LANGUAGES)[0])
    try:
        release = session.release()
    except NoRelease as error:
        frame.no_release(spoken, str(error))
        return
    except UnreadableRelease as error:
        frame.unreadable(spoken, str(error))
        return
    chosen, rejected = session.choice(release)
    spoken = words(chosen.lang)
    frame.head(chosen, spoken, release.catalogue.datasets[chosen.dataset], rejected)
    carte.show(release, chosen, spoken)
    frame.foot(release, chosen, spoken)


main()
