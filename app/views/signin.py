"""The sign-in, where one is configured (``[auth]`` in Streamlit's secrets): nothing is read or served before it."""

from __future__ import annotations

import streamlit as st

from app.i18n import Words


def wanted() -> bool:
    """Whether a sign-in is configured."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def signed_in() -> bool:
    """Whether this reader has signed in."""
    return bool(st.user.to_dict().get("is_logged_in", False))


def passed(words: Words) -> bool:
    """Whether this reader may go on; else the page that asks to sign in is drawn."""
    if not wanted() or signed_in():
        return True
    st.subheader(words("signin.title"), anchor=False)
    st.text(words("signin.text"))
    st.button(words("signin.button"), on_click=st.login, type="primary", key="sign-in")
    return False


def out(words: Words) -> None:
    """A way to sign out, where one is signed in."""
    if wanted() and signed_in():
        st.button(words("signin.out"), on_click=st.logout, key="sign-out", width="stretch")
