"""
How dfs is packaged.

Decides what is installed and the ranges of what it needs; the exact versions used by C{make} and
by the checks stand in C{requirements.lock}.
"""

import ast
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def version() -> str:
    """The version in C{dfs/__init__.py}, read without importing it."""
    for node in ast.parse((HERE / "dfs" / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise SystemExit("dfs/__init__.py names no __version__")


def readme() -> str:
    """The long description."""
    page = HERE / "README.rst"
    return page.read_text("utf-8") if page.exists() else ""


setup(
    name="dfs",
    version=version(),
    description="A fault-tolerant store for shared text documents, edited sentence by sentence",
    long_description=readme(),
    long_description_content_type="text/x-rst",
    license="MIT",
    author="The dfs developers",
    python_requires=">=3.11",
    packages=[*find_packages(include=["dfs", "dfs.*"]), "twisted.plugins"],
    # Keep: makes "pip install -e ." a plain path entry, so that twistd sees twisted/plugins.
    package_dir={"": "."},
    install_requires=[
        "twisted[tls]>=26.10,<27",
        "attrs>=25,<27",
        "zope.interface>=7,<9",
        "click>=8.1,<9",
        "prompt-toolkit>=3.0.40,<4",
        "tqdm>=4.66,<5",
    ],
    extras_require={
        "dev": [
            "build>=1.2,<2",
            "docutils>=0.21,<1",
            "hypothesis>=6.100,<7",
            "mypy>=2.4,<3",
            "mypy-zope>=1.0.17,<2",
            "pydoctor>=25.10",
            "pytest>=9,<10",
            "pytest-twisted>=1.14.3,<2",
            "ruff>=0.17,<0.18",
            "setuptools>=77",
            "towncrier>=26",
            "wheel",
        ],
    },
    entry_points={"console_scripts": ["dfs = dfs.client.__main__:main"]},
    classifiers=[
        "Framework :: Twisted",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Typing :: Typed",
    ],
    package_data={"dfs": ["py.typed"]},
)
