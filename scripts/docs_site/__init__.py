"""The documentation site: ``python -m scripts.docs_site [OUT]`` builds it from docs/, docstrings, recipes and help.

:mod:`.pages` gathers Markdown pages, and needs nothing but jepa-core; :mod:`.build` makes HTML of them with Zensical,
and :mod:`.links` checks every link and picture in it. Nothing is fetched while it is built or read.
"""
