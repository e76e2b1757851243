package io.vpasid.guest.cli.plan;

import io.vpasid.guest.report.QemuDevice;
import io.vpasid.pci.PciAddress;
import java.io.PrintWriter;
import java.util.List;

/// Functions for the XML of a libvirt domain: as `hostdev` elements, which libvirt manages, or as a
/// `qemu:commandline` element, of whose device libvirt knows nothing.
///
/// As of libvirt 12.8.0, whose schema has `iommufd`, `hostdev` and `qemu:override`, but no
/// attribute for the place of the capability, nor for scalable mode and PASIDs of `iommu
/// model='intel'`. libvirt makes that device before the others, as QEMU wants it, and what is in a
/// `qemu:commandline` behind them.
final class LibvirtText {
  private static final String DEVICE = "-device";

  /// Users' aliases begin with ua-.
  private static final String IOMMU_ALIAS = "ua-vpasid-iommu";

  private static final String NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0";

  /// A function, and what to say of it.
  ///
  /// @param notes each a line
  record Function(QemuDevice device, List<String> notes) {}

  private LibvirtText() {}

  /// Parts of a domain, each where it belongs in one.
  ///
  /// @param functions at least one, each with an offset
  /// @param bits of the PASIDs of the guest's IOMMU
  static void writeHostdevs(List<Function> functions, int bits, PrintWriter out) {
    out.printf("<domain type='kvm' xmlns:qemu='%s'>%n", NAMESPACE);
    comment(
        "  ",
        "Merge these parts into the domain. libvirt binds the functions to vfio-pci, lets QEMU open"
            + " them (cgroups, SELinux) and lock memory; iommufd and hostdev together want libvirt"
            + " 12.8 or as new.",
        out);
    out.println("  <iommufd enabled='yes'/>");
    out.println("  <devices>");
    comment(
        "    ",
        "QEMU shows the capability only behind an IOMMU with PASIDs. libvirt 12.8.0 has no attributes"
            + " for that, so they are overridden below; if the domain has an iommu already, give it"
            + " this alias.",
        out);
    out.println("    <iommu model='intel'>");
    out.printf("      <alias name='%s'/>%n", IOMMU_ALIAS);
    out.println("    </iommu>");
    for (int i = 0; i < functions.size(); i++) {
      PciAddress at = functions.get(i).device().function().address();
      functions.get(i).notes().forEach(note -> comment("    ", note, out));
      out.println("    <hostdev mode='subsystem' type='pci' managed='yes'>");
      out.printf(
          "      <source><address domain='0x%04x' bus='0x%02x' slot='0x%02x'"
              + " function='0x%x'/></source>%n",
          at.domain(), at.bus(), at.device(), at.function());
      out.printf("      <alias name='%s'/>%n", alias(i));
      out.println("    </hostdev>");
    }
    out.println("  </devices>");
    out.println("  <qemu:override>");
    writeProperties(
        IOMMU_ALIAS,
        List.of(
            property("scalable-mode", "bool", "true"),
            property("fsts", "bool", "true"),
            property("pasid-bits", "unsigned", bits)),
        out);
    for (int i = 0; i < functions.size(); i++) {
      writeProperties(
          alias(i),
          List.of(
              property(
                  "x-vpasid-cap-offset",
                  "unsigned",
                  functions.get(i).device().offset().orElseThrow())),
          out);
    }
    out.printf("  </qemu:override>%n</domain>%n");
  }

  private static String property(String name, String type, Object value) {
    return "<qemu:property name='%s' type='%s' value='%s'/>".formatted(name, type, value);
  }

  private static void writeProperties(String alias, List<String> properties, PrintWriter out) {
    out.printf("    <qemu:device alias='%s'>%n      <qemu:frontend>%n", alias);
    properties.forEach(property -> out.println("        " + property));
    out.printf("      </qemu:frontend>%n    </qemu:device>%n");
  }

  private static String alias(int index) {
    return "ua-vpasid" + index;
  }

  /// The arguments that QEMU takes.
  ///
  /// @param functions at least one, each with an offset
  /// @param iommu the device in front of them, see [QemuDevice#iommu]
  static void writeCommandLine(List<Function> functions, String iommu, PrintWriter out) {
    out.printf("<qemu:commandline xmlns:qemu='%s'>%n", NAMESPACE);
    comment(
        "  ",
        "libvirt knows nothing of these functions: bind them to vfio-pci, name /dev/iommu and"
            + " /dev/vfio/devices/vfioN in cgroup_device_acl of qemu.conf, let QEMU's user and SELinux"
            + " have them, and set a hard_limit in memtune, so that memory may be locked.",
        out);
    comment(
        "  ",
        "QEMU shows the capability only behind an IOMMU with PASIDs. Unless the domain has one, add it before these as two further arguments, %s and %s."
            .formatted(DEVICE, iommu),
        out);
    argument("-object", out);
    argument(QemuDevice.object(), out);
    for (Function function : functions) {
      function.notes().forEach(note -> comment("  ", note, out));
      argument(DEVICE, out);
      argument(function.device().argument(), out);
    }
    out.println("</qemu:commandline>");
  }

  private static void argument(String value, PrintWriter out) {
    out.printf("  <qemu:arg value='%s'/>%n", escaped(value));
  }

  private static String escaped(String value) {
    return value.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;");
  }

  /// A comment ends at the first two hyphens, and what XML 1.0 does not allow is no part of one.
  private static void comment(String indent, String text, PrintWriter out) {
    String plain = text.replaceAll("[\\p{Cc}\\p{Cs}]", "?").replaceAll("-(?=-|$)", "- ");
    out.printf("%s<!-- %s -->%n", indent, plain);
  }
}
