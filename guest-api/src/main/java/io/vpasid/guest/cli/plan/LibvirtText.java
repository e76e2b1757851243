package io.vpasid.guest.cli.plan;

import io.vpasid.guest.report.QemuDevice;
import java.io.PrintWriter;
import java.util.List;

/// Functions as a `qemu:commandline` element for the XML of a libvirt domain.
final class LibvirtText {
  private static final String NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0";

  private LibvirtText() {}

  /// @param devices at least one, each with an offset
  static void write(List<QemuDevice> devices, PrintWriter out) {
    out.printf("<qemu:commandline xmlns:qemu='%s'>%n", NAMESPACE);
    argument("-object", out);
    argument(QemuDevice.object(), out);
    for (QemuDevice device : devices) {
      for (String line : device.lines()) {
        out.printf("  <!-- %s -->%n", comment(line));
      }
      argument("-device", out);
      argument(device.argument(), out);
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
  private static String comment(String text) {
    return text.replaceAll("[\\p{Cc}\\p{Cs}]", "?").replaceAll("-(?=-|$)", "- ");
  }
}
