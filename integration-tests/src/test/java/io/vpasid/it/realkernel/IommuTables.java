package io.vpasid.it.realkernel;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.vpasid.pci.PciAddress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What the tables of this machine's Intel IOMMU have of a function, as its driver in the kernel
/// shows them in debugfs: a folder for each PASID that is attached, with the page table in it.
public final class IommuTables {
  private static final Path DRIVER = Path.of("/sys/kernel/debug/iommu/intel");
  private static final Pattern PASID = Pattern.compile("[0-9a-f]+");

  /// In `Device 0000:00:04.0 with pasid 5 @0x10250c000`.
  private static final Pattern PAGE_TABLE = Pattern.compile("with pasid [0-9a-f]+ @(0x[0-9a-f]+)");

  private final Path function;

  /// The tables of the function at `address`.
  public IommuTables(PciAddress address) {
    function = DRIVER.resolve(address.toString());
  }

  /// The PASIDs that are attached, ascending.
  public List<Integer> pasids() {
    try (Stream<Path> entries = Files.list(function)) {
      return entries
          .map(entry -> String.valueOf(entry.getFileName()))
          .filter(name -> PASID.matcher(name).matches())
          .map(name -> Integer.parseInt(name, 16))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// All that the driver shows of the function, by names: a folder or file more is a table that
  /// somebody has left.
  public List<String> entries() {
    try (Stream<Path> entries = Files.list(function)) {
      return entries.map(entry -> String.valueOf(entry.getFileName())).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The address of a PASID's page table; empty if it is not attached.
  public Optional<String> pageTable(int pasid) {
    Matcher table = PAGE_TABLE.matcher(dump(pasid));
    return table.find() ? Optional.of(table.group(1)) : Optional.empty();
  }

  /// How many pages a PASID's page table maps, of whatever size; 0 if it is not attached.
  public long pagesOf(int pasid) {
    return dump(pasid).lines().filter(line -> line.startsWith("0x")).count();
  }

  /// Empty if it is not attached.
  private String dump(int pasid) {
    Path file = function.resolve(Integer.toHexString(pasid)).resolve("domain_translation_struct");
    try {
      return Files.readString(file, US_ASCII);
    } catch (NoSuchFileException _) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
