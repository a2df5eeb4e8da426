"""The dashboard: `streamlit run app/streamlit_app.py`. Sign-in where it is configured, frame, then one view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from app import session
from app.data import NoRelease, UnreadableRelease
from app.i18n import LANGUAGES, words
from app.session import Scene
from app.state import View
from app.views import carte, classement, comparer, frame, methode, portefeuille, signin, territoire

SHOWN: Final[dict[View, Callable[[Scene], None]]] = {
    "carte": carte.show,
    "territoire": territoire.show,
    "comparer": comparer.show,
    "classement": classement.show,
    "portefeuille": portefeuille.show,
    "methode": methode.show,
}


def main() -> None:
    """One page: what fails is said in words, in the language of the address."""
    asked = [lang for lang in LANGUAGES if lang == st.query_params.get("lang")]
    spoken = words((asked or LANGUAGES)[0])
    st.set_page_config(page_title=spoken("app.name"), layout="wide")
    frame.style()
    if not signin.passed(spoken):
        return
    try:
        release = session.release()
    except NoRelease as error:
        frame.no_release(spoken, str(error))
        return
    except UnreadableRelease as error:
        frame.unreadable(spoken, str(error))
        return
    scene, rejected = session.scene(release)
    frame.navigation(scene)
    frame.head(scene, rejected)
    frame.choices(scene)
    SHOWN[scene.chosen.view](scene)
    frame.foot(scene)


main()
