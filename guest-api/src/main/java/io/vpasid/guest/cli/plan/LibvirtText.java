package io.vpasid.guest.cli.plan;

import io.vpasid.guest.report.QemuDevice;
import io.vpasid.pci.PciAddress;
import java.io.PrintWriter;
import java.util.List;

/// Functions for the XML of a libvirt domain: as `hostdev` elements, which libvirt manages, or as a
/// `qemu:commandline` element, of whose device libvirt knows nothing.
///
/// As of libvirt 12.8.0, whose schema has `iommufd`, `hostdev` and `qemu:override`, but no
/// attribute for the place of the capability, nor for scalable mode, PASIDs or SVA of `iommu
/// model='intel'`.
final class LibvirtText {
  private static final String NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0";

  /// A function, and what to say of it.
  ///
  /// @param notes each a line
  record Function(QemuDevice device, List<String> notes) {}

  private LibvirtText() {}

  /// Parts of a domain, each where it belongs in one.
  ///
  /// @param functions at least one, each with an offset
  static void writeHostdevs(List<Function> functions, PrintWriter out) {
    out.printf("<domain type='kvm' xmlns:qemu='%s'>%n", NAMESPACE);
    comment(
        "  ",
        "Merge these parts into the domain. libvirt binds the functions to vfio-pci, lets QEMU open"
            + " them (cgroups, SELinux) and lock memory; iommufd and hostdev together want libvirt"
            + " 12.8 or as new.",
        out);
    comment(
        "  ",
        "libvirt 12.8.0 has no attribute for scalable mode and PASIDs of a guest's IOMMU: add -device"
            + " intel-iommu,scalable-mode=on,pasid-bits=20 by qemu:commandline.",
        out);
    out.println("  <iommufd enabled='yes'/>");
    out.println("  <devices>");
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
    for (int i = 0; i < functions.size(); i++) {
      out.printf("    <qemu:device alias='%s'>%n      <qemu:frontend>%n", alias(i));
      out.printf(
          "        <qemu:property name='x-vpasid-cap-offset' type='unsigned' value='%d'/>%n",
          functions.get(i).device().offset().orElseThrow());
      out.printf("      </qemu:frontend>%n    </qemu:device>%n");
    }
    out.printf("  </qemu:override>%n</domain>%n");
  }

  /// Users' aliases begin so.
  private static String alias(int index) {
    return "ua-vpasid" + index;
  }

  /// The arguments that QEMU takes.
  ///
  /// @param functions at least one, each with an offset
  static void writeCommandLine(List<Function> functions, PrintWriter out) {
    out.printf("<qemu:commandline xmlns:qemu='%s'>%n", NAMESPACE);
    comment(
        "  ",
        "libvirt knows nothing of these functions: bind them to vfio-pci, name /dev/iommu and"
            + " /dev/vfio/devices/vfioN in cgroup_device_acl of qemu.conf, let QEMU's user and SELinux"
            + " have them, and set a hard_limit in memtune, so that memory may be locked.",
        out);
    argument("-object", out);
    argument(QemuDevice.object(), out);
    for (Function function : functions) {
      function.notes().forEach(note -> comment("  ", note, out));
      argument("-device", out);
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
