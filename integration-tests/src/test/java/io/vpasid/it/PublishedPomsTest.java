package io.vpasid.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.xpath.XPath;
import javax.xml.xpath.XPathConstants;
import javax.xml.xpath.XPathFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;

/// What the modules' POMs say to those who find them in a repository.
class PublishedPomsTest {
  private static final Path ROOT = Path.of(System.getProperty("basedir", ""), "..");
  private static final String NOT_PUBLISHED = "maven.deploy.skip";
  private static final XPath XPATH = XPathFactory.newInstance().newXPath();

  @Test
  void theBomHasEveryModuleThatIsPublishedInTheVersionOfTheBuild() throws Exception {
    Document parent = pom("pom.xml");
    Document bom = pom("packaging/bom/pom.xml");
    Set<String> published = new TreeSet<>();
    for (String module : texts(parent, "/project/modules/module")) {
      if (texts(pom(module + "/pom.xml"), "/project/properties/*[name()='" + NOT_PUBLISHED + "']")
          .isEmpty()) {
        published.add(module);
      }
    }
    assertThat(published).contains("vmm-core");
    assertThat(texts(bom, "/project/dependencyManagement/dependencies/dependency/artifactId"))
        .containsExactlyInAnyOrderElementsOf(published);
    assertThat(texts(bom, "/project/version")).isEqualTo(texts(parent, "/project/version"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "packaging/bom", "pci-config-space", "vpasid-synth", "vmm-core", "guest-api"})
  void everyPublishedPomSaysWhatItIs(String module) throws Exception {
    Document pom = pom(module + "/pom.xml");
    assertThat(texts(pom, "/project/name")).hasSize(1);
    assertThat(texts(pom, "/project/description")).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "packaging/bom"})
  void whatHasNoParentSaysWhoseItIs(String folder) throws Exception {
    Document pom = pom(folder + "/pom.xml");
    assertThat(texts(pom, "/project/licenses/license/name")).containsExactly("Apache-2.0");
    assertThat(texts(pom, "/project/developers/developer/name")).isNotEmpty();
  }

  private static Document pom(String name) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(ROOT.resolve(name.replaceFirst("^/", "")).toFile());
  }

  private static List<String> texts(Document pom, String path) throws Exception {
    NodeList nodes = (NodeList) XPATH.evaluate(path, pom, XPathConstants.NODESET);
    return IntStream.range(0, nodes.getLength())
        .mapToObj(i -> nodes.item(i).getTextContent().strip())
        .toList();
  }
}
