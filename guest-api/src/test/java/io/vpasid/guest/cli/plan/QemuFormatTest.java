package io.vpasid.guest.cli.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Inputs;
import io.vpasid.guest.cli.Run;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.testing.InstalledTool;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/// `plan --format qemu` and `--format libvirt`, on the made-up functions that the program ships:
/// 17:00.0 has a PASID capability of its own at 0x1a0, 17:00.1 has none.
class QemuFormatTest {
  private static final String QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0";

  @TempDir private Path folder;
  private String dump = "";

  @BeforeEach
  void writeDump() {
    dump = Inputs.demo(folder).toString();
  }

  @Test
  void qemuGetsArgumentsAndPeopleTheReasons() {
    Run run = Run.of("plan", dump, "--function", "17:00.1", "--format", "qemu");

    assertThat(run.code()).isZero();
    assertThat(run.out().lines().toList())
        .containsExactly(
            "-object iommufd,id=iommufd0",
            "-device vfio-pci,host=0000:17:00.1,x-vpasid-cap-offset=0xd80,iommufd=iommufd0");
    assertThat(run.err())
        .contains("vpasid: note: 0000:17:00.1 f00d:0002: 0xd80: It lies in the middle of");
  }

  /// QEMU 11.1.3 refuses `pasid-bits` beyond the host's, so they are the functions' own.
  @Test
  void theIommuThatQemuNeedsIsNamed() {
    Run run = Run.of("plan", dump, "--format", "qemu", "--hw-info", "width=16");

    assertThat(run.err())
        .contains("-device intel-iommu,scalable-mode=on,fsts=on,pasid-bits=16")
        .containsOnlyOnce("intel-iommu");
    assertThat(run.out()).doesNotContain("intel-iommu");
    assertThat(Run.of("plan", dump, "--format", "libvirt-commandline").out())
        .contains("intel-iommu,scalable-mode=on,fsts=on,pasid-bits=20");
    assertThat(Run.of("plan", dump, "--format", "qemu", "--hw-info", "none").err())
        .doesNotContain("intel-iommu");
  }

  @Test
  void whoGivesBareBytesIsToldToFillInTheAddress() throws IOException {
    byte[] bytes = Dumps.read(Path.of(dump)).getLast().config().toByteArray();
    Path raw = Files.write(folder.resolve("config"), bytes);

    Run run = Run.of("plan", raw.toString(), "--format", "qemu");

    assertThat(run.out()).contains("host=0000:00:00.0,");
    assertThat(run.err()).contains("put its address in place of host=0000:00:00.0.");
    assertThat(Run.of("plan", dump, "--format", "qemu").err()).doesNotContain("in place of");
  }

  /// QEMU writes to the device what the guest writes to the capability.
  @Test
  void theDevicesOwnCapabilityIsNoPlaceForQemu() {
    Run run = Run.of("plan", dump, "--function", "17:00.0", "--format", "qemu");

    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("host=0000:17:00.0,x-vpasid-cap-offset=0x");
    assertThat(run.out()).doesNotContain("=0x1a0").doesNotContain("=0x19c").doesNotContain("=0xa8");
    assertThat(run.err())
        .contains("Not at 0x1a0, the device's own PASID capability: QEMU passes on what the guest");
  }

  @Test
  void whoAsksForTheOwnCapabilityGetsNothing() {
    Run run =
        Run.of("plan", dump, "--function", "17:00.0", "--format", "qemu", "--offset", "0x1a0");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err())
        .contains("it would cover what is at 0x1a0")
        .contains("QEMU passes on to the device what the guest writes");
  }

  /// The made-up function has live bytes at 0xff8; here it would be the register itself.
  @Test
  void noLeaveToShadowHoldsForQemu() {
    String[] wish = {
      "plan", dump, "--function", "17:00.1", "--offset", "0xff8", "--allow-shadowing"
    };

    assertThat(Run.of(wish).code()).isZero();
    for (String format : List.of("qemu", "libvirt", "libvirt-commandline")) {
      Run run =
          Run.of(
              Stream.concat(Stream.of(wish), Stream.of("--format", format)).toArray(String[]::new));
      assertThat(run.code()).isEqualTo(1);
      assertThat(run.out()).isEmpty();
      assertThat(run.err())
          .contains("--allow-shadowing has no effect with --format " + format)
          .contains("no live register may be there, allowed or not")
          .contains("the nearest free place is 0xfe8, the best one is 0xd80")
          .doesNotContain("shadowing is not allowed");
    }
  }

  @Test
  void whoAllowsShadowingWithoutAnOffsetIsToldThatQemuCoversNothing() {
    String[] plan = {"plan", dump, "--function", "17:00.1", "--allow-shadowing", "--format"};

    assertThat(of(plan, "qemu"))
        .satisfies(run -> {
          assertThat(run.code()).isZero();
          assertThat(run.err()).contains("--allow-shadowing has no effect with --format qemu");
        });
    assertThat(of(plan, "text").err()).doesNotContain("no effect");
  }

  /// A quirk's word counts where the device is shadowed, and QEMU shadows nothing.
  @Test
  void aPinnedPlaceOnLiveBytesIsNoneForQemu() throws IOException {
    Path quirks =
        Files.writeString(
            folder.resolve("pin.json"),
            """
            { "format": 1, "quirks": [ { "id": "pin", "name": "n", "source": "s",
              "match": { "vendor": "0xf00d" }, "place": "0xff8" } ] }
            """);
    String[] plan = {
      "plan", dump, "--function", "17:00.1", "--quirks", quirks.toString(), "--format", "qemu"
    };

    Run run = Run.of(plan);

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("0xff8, which a quirk names, covers what the device has there.");
  }

  @Test
  void quirksAndWishesCount() {
    Run run =
        Run.of(
            "plan",
            dump,
            "--function",
            "17:00.0",
            "--format",
            "qemu",
            "--available",
            "0x300-0x3ff");

    assertThat(run.out()).contains("x-vpasid-cap-offset=0x300");
  }

  @Test
  void aFunctionWithoutVpasidGivesNoArguments() {
    Run run = Run.of("plan", dump, "--format", "qemu", "--hw-info", "none");

    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("0000:17:00.1 f00d:0002: no vPASID. The host has no PASIDs");
  }

  /// QEMU leaves a function alone that shows no extended capability.
  @Test
  void anEmptyListGivesNoArguments() throws IOException {
    String text = Files.readString(Path.of(dump));
    int head = text.indexOf("\n100:", text.indexOf("17:00.1")) + 6;
    Path empty =
        Files.writeString(
            folder.resolve("empty.txt"),
            text.substring(0, head) + "00 00 00 00" + text.substring(head + 11));

    Run plan = Run.of("plan", empty.toString(), "--function", "17:00.1");
    Run run = Run.of("plan", empty.toString(), "--function", "17:00.1", "--format", "libvirt");

    assertThat(plan.code()).isZero();
    assertThat(plan.out()).contains("head of the empty list");
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("QEMU adds none to an empty list");
  }

  @Test
  void libvirtGetsAnElementWithTheSameArguments() throws Exception {
    Run run = Run.of("plan", dump, "--format", "libvirt-commandline", "--hw-info", "width=20");

    assertThat(run.code()).isZero();
    assertThat(run.err()).isEmpty();
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    Element root =
        factory
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(run.out())))
            .getDocumentElement();
    assertThat(root.getNamespaceURI()).isEqualTo(QEMU_NAMESPACE);
    assertThat(root.getLocalName()).isEqualTo("commandline");
    assertThat(arguments(root))
        .isEqualTo(
            Run.of("plan", dump, "--format", "qemu", "--hw-info", "width=20")
                .out()
                .lines()
                .flatMap(line -> List.of(line.split(" ")).stream())
                .toList());
    assertThat(run.out()).contains("<!-- 0000:17:00.1 f00d:0002: 0xd80: It lies in the middle");
  }

  private static List<String> arguments(Element root) {
    List<String> values = new ArrayList<>();
    NodeList arguments = root.getElementsByTagNameNS(QEMU_NAMESPACE, "arg");
    for (int i = 0; i < arguments.getLength(); i++) {
      values.add(((Element) arguments.item(i)).getAttribute("value"));
    }
    return values;
  }

  /// A quirk's texts come from files, and two hyphens would end a comment.
  @Test
  void whatAQuirkSaysCannotBreakTheXml() throws Exception {
    Path quirks =
        Files.writeString(
            folder.resolve("q--e>.json"),
            """
            { "format": 1, "quirks": [ { "id": "a--b-", "name": "n", "source": "s",
              "match": { "vendor": "0xf00d" }, "place": "0x300" } ] }
            """);

    Run run =
        Run.of(
            "plan",
            dump,
            "--function",
            "17:00.1",
            "--format",
            "libvirt-commandline",
            "--quirks",
            quirks.toString());

    assertThat(run.out()).contains("x-vpasid-cap-offset=0x300");
    assertThat(
            DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(run.out())))
                .getDocumentElement()
                .getElementsByTagName("qemu:arg")
                .getLength())
        .isEqualTo(4);
  }

  /// QEMU shows endpoints on its root bus as integrated ones, which need no port above them.
  @Test
  void anEndpointOnQemusRootBusIsNoObstacle() {
    String[] plan = {"plan", dump, "--function", "17:00.1", "--port", "none", "--format"};

    assertThat(of(plan, "text").out()).contains("P19 fails ");
    assertThat(of(plan, "qemu").err()).doesNotContain("will not enable PASIDs");
    assertThat(of(plan, "libvirt").out()).doesNotContain("will not enable PASIDs");
  }

  private static Run of(String[] plan, String format) {
    return Run.of(Stream.concat(Stream.of(plan), Stream.of(format)).toArray(String[]::new));
  }

  /// What is saved is what QEMU's guest sees.
  @Test
  void aSavedLayoutHasQemusPlace() throws IOException {
    Path layout = folder.resolve("layout.json");

    Run.of("plan", dump, "--function", "17:00.0", "--format", "qemu", "--save", layout.toString());

    assertThat(Files.readString(layout))
        .doesNotContain("at 0x1a0")
        .contains("\"vpasid\" : \"at 0x");
    assertThat(Run.of("plan", dump, "--function", "17:00.0", "--expect", layout.toString()).code())
        .as("another place without QEMU")
        .isEqualTo(1);
  }

  @Test
  void libvirtGetsHostdevsWhoseAliasesAreOverridden() throws Exception {
    Run run = Run.of("plan", dump, "--format", "libvirt", "--hw-info", "width=20");

    Document domain =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(run.out())));
    assertThat(run.code()).isZero();
    assertThat(domain.getElementsByTagName("hostdev").getLength()).isEqualTo(2);
    assertThat(run.out())
        .contains("<address domain='0x0000' bus='0x17' slot='0x00' function='0x1'/>")
        .containsSubsequence(
            "<iommufd enabled='yes'/>",
            "<iommu model='intel'>",
            "<alias name='ua-vpasid-iommu'/>",
            "<alias name='ua-vpasid1'/>",
            "<qemu:device alias='ua-vpasid-iommu'>",
            "name='pasid-bits' type='unsigned' value='20'",
            "<qemu:device alias='ua-vpasid1'>",
            "name='x-vpasid-cap-offset' type='unsigned' value='3456'");
  }

  /// By the schema of the libvirt that is installed, as of 12.8.0; `xmllint` ends with an error if
  /// it does not.
  @Needs({Need.LIBVIRT_SCHEMA, Need.XMLLINT})
  @ParameterizedTest
  @ValueSource(strings = {"libvirt", "libvirt-commandline"})
  void libvirtsOwnSchemaTakesEveryElement(String format) throws IOException {
    String xml = Run.of("plan", dump, "--format", format).out();
    String parts =
        format.equals("libvirt")
            ? xml.substring(xml.indexOf("\n") + 1, xml.lastIndexOf("</domain>"))
            : xml;
    Path domain =
        Files.writeString(
            folder.resolve("domain.xml"),
            """
            <domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
              <name>guest</name>
              <memory>1048576</memory>
              <os><type arch='x86_64' machine='q35'>hvm</type></os>
              %s
            </domain>
            """
                .formatted(parts));

    assertThat(
            InstalledTool.run(
                "xmllint",
                "--noout",
                "--relaxng",
                Need.LIBVIRT_SCHEMAS.resolve("domain.rng").toString(),
                domain.toString()))
        .isEmpty();
  }

  /// What the preflight knows, whoever starts the guest should know.
  @Test
  void aGuestThatWillNotEnablePasidsIsNoted() throws IOException {
    Path dump19 =
        Files.writeString(
            folder.resolve("p19.txt"),
            Files.readString(Path.of(dump)).replaceAll("(?m)^(60: .. .. .. .. .. .. )..", "$100"));

    String[] plan = {"plan", dump19.toString(), "--function", "17:00.1", "--format"};

    assertThat(Run.of(plan[0], plan[1], plan[2], plan[3], plan[4], "qemu").err())
        .contains("0000:17:00.1 a Linux guest will not enable PASIDs, P19 fails");
    assertThat(Run.of(plan[0], plan[1], plan[2], plan[3], plan[4], "libvirt").out())
        .contains("a Linux guest will not enable PASIDs, P19 fails");
  }
}
