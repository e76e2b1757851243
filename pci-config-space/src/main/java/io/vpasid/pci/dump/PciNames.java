package io.vpasid.pci.dump;

import io.vpasid.pci.PciId;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/// Names of vendors, devices, subsystems and classes, from a `pci.ids` file.
///
/// ```text
/// 8086  Intel Corporation                        vendor
/// <tab>1533  I210 Gigabit Network Connection     its device
/// <tab><tab>103c 0003  Ethernet I210-T1 GbE NIC  subsystem vendor and subsystem on that device
/// C 02  Network controller                       base class
/// <tab>00  Ethernet controller                   its sub-class
/// <tab><tab>02  ...                              the programming interface of that
/// ```
///
/// The file is read at the first question. Vendors are searched by halves, as they ascend in it and
/// classes follow them; in a file that is out of order some have no name. A vendor's devices are
/// noted when the first of them is asked for. The file is trusted with nothing: lines of another
/// form are skipped, what is missing or unreadable has no names, a file above [#MAX_BYTES] has none
/// either, and no method throws. Safe to share between threads.
public final class PciNames {
  /// Largest file that is read, unpacked; Debian's has 1.4 MB.
  public static final int MAX_BYTES = 16 << 20;

  private static final int MAX_NAME_BYTES = 200;

  private static final List<Path> INSTALLED =
      List.of(
          Path.of("/usr/share/misc/pci.ids"),
          Path.of("/usr/share/hwdata/pci.ids"),
          Path.of("/var/lib/pciutils/pci.ids"),
          Path.of("/usr/share/misc/pci.ids.gz"),
          Path.of("/usr/share/hwdata/pci.ids.gz"));

  private final List<Path> candidates;
  private volatile Sections sections = Sections.UNREAD;

  private PciNames(List<Path> candidates) {
    this.candidates = candidates;
  }

  /// The names that the system has installed, in the first of the usual places where there is a
  /// file; none if there is none. The system property `vpasid.pciIds` names another file.
  public static PciNames system() {
    String other = System.getProperty("vpasid.pciIds");
    return other == null ? new PciNames(INSTALLED) : of(Path.of(other));
  }

  /// The names of a file, which may be packed with gzip.
  public static PciNames of(Path file) {
    return new PciNames(List.of(file));
  }

  /// No names at all.
  public static PciNames none() {
    return new PciNames(List.of());
  }

  /// There are no names, because no file has any.
  public boolean isEmpty() {
    return sections().text.length == 0;
  }

  /// The name of a vendor, or of a subsystem vendor.
  ///
  /// @param vendor 0 to 0xffff; others have no name
  public Optional<String> vendor(int vendor) {
    Sections in = sections();
    return in.name(in.vendor(vendor));
  }

  /// The name of a device.
  public Optional<String> device(PciId id) {
    Sections in = sections();
    return in.name(in.device(id));
  }

  /// The name of a base class, such as `Network controller`.
  ///
  /// @param classCode base class, sub-class and programming interface, 24 bits
  Optional<String> baseClass(int classCode) {
    Sections in = sections();
    return in.name(in.baseClass(classCode >>> 16));
  }

  /// The name of a sub-class, such as `Ethernet controller`.
  ///
  /// @param classCode as above
  public Optional<String> subClass(int classCode) {
    Sections in = sections();
    return in.name(in.subClass(classCode));
  }

  /// A function in one line, as `lspci` puts it: `System peripheral: Intel Corporation Device 0b25
  /// (rev 01)`. What has no name is a number.
  ///
  /// @param classCode as above
  /// @param revision Revision ID; 0 is not shown
  public String describe(PciId id, int classCode, int revision) {
    StringBuilder text = new StringBuilder(80);
    Optional<String> subClass = subClass(classCode);
    if (subClass.isPresent()) {
      text.append(subClass.get());
    } else {
      text.append(baseClass(classCode).orElse("Class")).append(" [");
      appendHex(text, classCode >>> 8, 4).append(']');
    }
    text.append(": ");
    Optional<String> vendor = vendor(id.vendor());
    Optional<String> device = device(id);
    if (device.isPresent()) {
      text.append(vendor.orElse("")).append(' ').append(device.get());
    } else if (vendor.isPresent()) {
      appendHex(text.append(vendor.get()).append(" Device "), id.device(), 4);
    } else {
      text.append("Device ").append(id);
    }
    if (revision != 0) {
      appendHex(text.append(" (rev "), revision, 2).append(')');
    }
    return text.toString();
  }

  private static StringBuilder appendHex(StringBuilder text, int value, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
      text.append(Character.forDigit(value >>> shift & 0xf, 16));
    }
    return text;
  }

  private Sections sections() {
    Sections read = sections;
    if (read == Sections.UNREAD) {
      synchronized (this) {
        read = sections;
        if (read == Sections.UNREAD) {
          read = new Sections(firstFile());
          sections = read;
        }
      }
    }
    return read;
  }

  private byte[] firstFile() {
    for (Path file : candidates) {
      if (Files.isRegularFile(file)) {
        try {
          return read(file);
        } catch (IOException _) {
          // Unreadable is as good as not installed; the next place may have one.
        }
      }
    }
    return new byte[0];
  }

  private static byte[] read(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw tooLarge();
    }
    byte[] bytes = Files.readAllBytes(file);
    if (bytes.length > 2 && bytes[0] == 0x1f && bytes[1] == (byte) 0x8b) {
      bytes = unpacked(new GZIPInputStream(new ByteArrayInputStream(bytes)));
    }
    return bytes;
  }

  private static byte[] unpacked(InputStream stream) throws IOException {
    try (stream) {
      byte[] bytes = stream.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw tooLarge();
      }
      return bytes;
    }
  }

  private static IOException tooLarge() {
    return new IOException("larger than any pci.ids");
  }

  /// The file's bytes, and where the sections in them begin. A place is the offset of a line's
  /// first byte behind its tabs, or -1.
  private static final class Sections {
    static final Sections UNREAD = new Sections(new byte[0]);

    private final byte[] text;

    /// Where the first class begins: behind all vendors.
    private final int classesStart;

    /// Where a base class begins, plus 1; 0 is none.
    private final int[] classes = new int[0x100];

    /// Where the vendors begin that have been asked for.
    private final Map<Integer, Integer> vendors = new ConcurrentHashMap<>();

    /// Filled as vendors are asked for: some have thousands of devices.
    private final Map<Integer, long[]> devices = new ConcurrentHashMap<>();

    private Sections(byte[] text) {
      this.text = text;
      classesStart = search(text.length, Integer.MAX_VALUE);
      for (int at = classesStart; at < text.length; at = nextSection(at)) {
        int baseClass = isClass(at) ? number(at + 2, 2) : -1;
        if (baseClass >= 0 && classes[baseClass] == 0) {
          classes[baseClass] = at + 1;
        }
      }
    }

    private boolean isClass(int at) {
      return text[at] == 'C' && at + 1 < text.length && text[at + 1] == ' ';
    }

    int vendor(int vendor) {
      if ((vendor & ~0xffff) != 0) {
        return -1;
      }
      return vendors.computeIfAbsent(
          vendor,
          _ -> {
            int at = search(classesStart, vendor);
            return at < classesStart && number(at, 4) == vendor ? at : -1;
          });
    }

    /// The first section before `end` that is none of a vendor below `vendor`; `end` if there is
    /// none. The sections from `low` on are not looked at yet, nor are those before `high`; each is
    /// looked at once, for a vendor can have a tenth of the file.
    private int search(int end, int vendor) {
      int low = 0;
      int high = end;
      while (low < high) {
        int middle = (low + high) >>> 1;
        int at = sectionOf(middle, low);
        if (isBelow(at, vendor)) {
          low = Math.min(high, nextSection(middle));
        } else {
          high = at;
        }
      }
      return low;
    }

    /// Lines before the first vendor are below it, comments and junk too.
    private boolean isBelow(int at, int vendor) {
      return !isClass(at) && number(at, 4) < vendor;
    }

    /// The beginning of the section that `at` is in, or `low` if it begins there or before.
    private int sectionOf(int at, int low) {
      byte[] bytes = text;
      int start = at;
      while (start > low && !(bytes[start - 1] == '\n' && startsSection(bytes[start]))) {
        start--;
      }
      return start;
    }

    private int nextSection(int from) {
      int at = nextLine(from);
      while (at < text.length && !startsSection(text[at])) {
        at = nextLine(at);
      }
      return Math.min(at, text.length);
    }

    int device(PciId id) {
      int vendor = vendor(id.vendor());
      if (vendor < 0) {
        return -1;
      }
      long @Nullable [] known = devices.get(vendor);
      if (known == null) {
        known = devicesOf(vendor);
        devices.put(vendor, known);
      }
      int at = Arrays.binarySearch(known, (long) id.device() << 32);
      int next = at < 0 ? -at - 1 : at;
      return next < known.length && known[next] >>> 32 == id.device() ? (int) known[next] : -1;
    }

    /// All devices of a vendor: the id in the upper half, the place in the lower, ascending.
    private long[] devicesOf(int vendor) {
      long[] found = new long[16];
      int count = 0;
      for (int at = nextLine(vendor); at < text.length; at = nextLine(at)) {
        if (startsSection(text[at])) {
          break;
        }
        int device = text[at] == '\t' ? number(at + 1, 4) : -1;
        if (device >= 0) {
          if (count == found.length) {
            found = Arrays.copyOf(found, 2 * count);
          }
          found[count++] = (long) device << 32 | (at + 1);
        }
      }
      long[] sorted = Arrays.copyOf(found, count);
      Arrays.sort(sorted);
      return sorted;
    }

    int baseClass(int baseClass) {
      return baseClass >= 0 && baseClass < classes.length ? classes[baseClass] - 1 : -1;
    }

    int subClass(int classCode) {
      return child(baseClass(classCode >>> 16), 1, 2, classCode >>> 8 & 0xff);
    }

    /// The line below `parent` that has `tabs` tabs and begins with `id` in so many digits.
    int child(int parent, int tabs, int digits, int id) {
      for (int at = firstChild(parent, tabs); at >= 0; at = nextChild(at, tabs)) {
        if (number(at + tabs, digits) == id) {
          return at + tabs;
        }
      }
      return -1;
    }

    /// The text behind the first two blanks in a row from `at` on its line.
    Optional<String> name(int at) {
      if (at < 0) {
        return Optional.empty();
      }
      int end = lineEnd(at);
      int from = at;
      while (from + 1 < end && !(text[from] == ' ' && text[from + 1] == ' ')) {
        from++;
      }
      if (from + 2 >= end) {
        return Optional.empty();
      }
      int length = Math.min(end - from - 2, 4 * MAX_NAME_BYTES);
      String name =
          OneLine.of(new String(text, from + 2, length, StandardCharsets.UTF_8), MAX_NAME_BYTES);
      return name.isEmpty() ? Optional.empty() : Optional.of(name);
    }

    /// True if a line that begins so is of the top level: no tab, no comment, not empty.
    private static boolean startsSection(byte first) {
      return first != '\t' && first != '#' && first != '\n' && first != '\r';
    }

    private int firstChild(int parent, int tabs) {
      return parent < 0 ? -1 : childFrom(nextLine(parent), tabs);
    }

    private int nextChild(int at, int tabs) {
      return childFrom(nextLine(at), tabs);
    }

    /// The next line with exactly `tabs` tabs, before the next with fewer. Comments and empty lines
    /// do not count.
    private int childFrom(int from, int tabs) {
      for (int at = from; at < text.length; at = nextLine(at)) {
        int found = 0;
        while (at + found < text.length && found <= tabs && text[at + found] == '\t') {
          found++;
        }
        if (found == tabs) {
          return at;
        }
        if (found < tabs && (found > 0 || startsSection(text[at]))) {
          return -1;
        }
      }
      return -1;
    }

    /// A number of exactly so many hex digits with a blank behind, or -1.
    private int number(int at, int digits) {
      if (at + digits >= text.length || text[at + digits] != ' ') {
        return -1;
      }
      int number = 0;
      for (int i = at; i < at + digits; i++) {
        int digit = HexDigit.value(text[i]);
        if (digit < 0) {
          return -1;
        }
        number = number << 4 | digit;
      }
      return number;
    }

    private int nextLine(int at) {
      return lineEnd(at) + 1;
    }

    private int lineEnd(int from) {
      return lineEnd(text, from);
    }

    /// Nearly all the time goes by here, before anything is compiled: hence no fields.
    private static int lineEnd(byte[] text, int from) {
      int at = from;
      int end = text.length;
      while (at < end && text[at] != '\n') {
        at++;
      }
      return at;
    }
  }
}
