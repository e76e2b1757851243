package io.vpasid.guest.cli.option;

import io.vpasid.guest.config.FoundFunction;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.LiveFunction;
import io.vpasid.guest.config.Unread;
import io.vpasid.guest.config.VfioAnswer;
import io.vpasid.pci.ByteRange;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.pci.vfio.VfioView;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.PlacementPolicy;
import io.vpasid.synth.SynthesisRequest;
import io.vpasid.synth.quirk.FunctionKind;
import io.vpasid.synth.quirk.QuirkTable;
import io.vpasid.vmm.FunctionOptions;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/// The options that decide a synthesis, the same for every command that makes one.
public final class SynthesisOptions {
  private static final HardwareInfo ASSUMED = new HardwareInfo(20, false, false, true);

  @Option(
      names = "--hw-info",
      paramLabel = "INFO",
      converter = HardwareInfoConverter.class,
      description =
          "What IOMMU_GET_HW_INFO reports for the device: none, or width=N[,exec][,priv][,no-ats]"
              + " with N from 0 to 20. Default: width=20.")
  private Optional<HardwareInfo> hardware = Optional.empty();

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Mixin private QuirkOptions quirks;

  @Option(
      names = "--vf",
      description =
          "The function is an SR-IOV virtual function. Found by itself where the ids read ffff.")
  private boolean virtual;

  @Option(
      names = "--offset",
      paramLabel = "OFFSET",
      converter = OffsetConverter.class,
      description =
          "Put the capability at this offset, as in 0x180, or nowhere. Nowhere also means not on a"
              + " live register, unless --allow-shadowing is there.")
  private Optional<Integer> offset = Optional.empty();

  @Option(
      names = "--available",
      paramLabel = "RANGES",
      split = ",",
      converter = RangeConverter.class,
      description = "Ranges to try before any other, as in 0x180-0x24f,0x300-0x3ff.")
  private List<ByteRange> available = List.of();

  @Option(
      names = "--also",
      paramLabel = "FILE",
      arity = "1..*",
      description =
          "Dumps of the same device in other power states or on other machines: what is not zero"
              + " in any of them counts as live. Functions are compared with those of the same"
              + " vendor and device id.")
  private List<Path> also = List.of();

  private @Nullable OtherCaptures others;

  @Option(
      names = "--allow-shadowing",
      description =
          "Allow to cover live registers: those at --offset, and without it those that a quirk lets"
              + " go, where nothing else is left.")
  private boolean shadowing;

  public HardwareInfo hardware() {
    return hardware.orElse(ASSUMED);
  }

  /// Says on `err` what was assumed because no option told it.
  public void noteAssumptions(PrintWriter err) {
    assumption().ifPresent(note -> err.println("vpasid: note: " + note));
  }

  /// The same as a text; empty if nothing was.
  public Optional<String> assumption() {
    return hardware.isEmpty()
        ? Optional.of("no --hw-info, so " + ASSUMED + " is assumed")
        : Optional.empty();
  }

  /// The same for a function of this machine.
  public void noteAssumptions(PrintWriter err, LiveFunction live) {
    if (live.vfio() instanceof VfioAnswer.Answered answered) {
      err.println(
          "vpasid: note: VFIO shows the configuration space and reports "
              + answered.hardware()
              + (hardware.isEmpty() ? "" : "; --hw-info says otherwise and counts"));
    } else if (hardware.isEmpty()) {
      err.println(
          "vpasid: note: no --hw-info, so %s is assumed: %s"
              .formatted(live.bound().orElse(ASSUMED), live.evidence()));
    }
  }

  /// Says on `err` that `--allow-shadowing` does not count, if it is there.
  ///
  /// @param with the option that it does not go with
  public void noteUselessShadowing(PrintWriter err, String with) {
    if (shadowing) {
      err.println(
          "vpasid: note: --allow-shadowing has no effect with %s: QEMU passes guest writes on to the device, so it may cover no live register"
              .formatted(with));
    }
  }

  public QuirkTable quirkTable() {
    return quirks.table();
  }

  /// The files and folders that `--quirks` names.
  public List<Path> quirkPaths() {
    return quirks.paths();
  }

  PlacementPolicy policy() {
    return new PlacementPolicy(offset, available, shadowing);
  }

  FunctionKind kindOf(HostFunction function) {
    return virtual ? FunctionKind.VIRTUAL : FunctionKind.of(function);
  }

  /// Reads the files of `--also`, and notes what they do not have as a whole. Before several
  /// threads ask for requests, one has to do this.
  public void readOtherCaptures() {
    others();
  }

  /// Makes sure that each file of `--also` has captures of one of `functions`.
  ///
  /// @throws InputException if one has none
  public void checkOtherCaptures(List<FoundFunction> functions) {
    others().requireAbout(functions);
  }

  private OtherCaptures others() {
    if (others == null) {
      others = new OtherCaptures(also);
      List<Unread> leftOut = others.leftOut();
      Unread.note(command.commandLine().getErr(), leftOut, leftOut.size());
    }
    return others;
  }

  public FunctionOptions decisions(HostFunction function, QuirkTable table) {
    return FunctionOptions.defaults()
        .withKind(kindOf(function))
        .withQuirks(table)
        .withPolicy(policy())
        .withOtherCaptures(others().of(function));
  }

  public SynthesisRequest request(HostFunction function, QuirkTable table) {
    return request(function, table, Optional.empty());
  }

  /// The same for a function of this machine, where more is known of it.
  public SynthesisRequest request(
      HostFunction function, QuirkTable table, Optional<LiveFunction> live) {
    boolean isLive = live.isPresent();
    VfioView view =
        isLive ? live.get().view(function) : VfioView.of(function.config(), function.id());
    FunctionKind kind = isLive && !virtual ? live.get().kind() : kindOf(function);
    HardwareInfo info =
        isLive && hardware.isEmpty() ? live.get().hardware().orElse(ASSUMED) : hardware();
    return new SynthesisRequest(view, kind, info, table, policy(), others().of(function));
  }

  static final class HardwareInfoConverter implements ITypeConverter<HardwareInfo> {
    @Override
    public HardwareInfo convert(String text) {
      try {
        return HardwareInfo.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  static final class OffsetConverter implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return parseOffset(text);
    }
  }

  static final class RangeConverter implements ITypeConverter<ByteRange> {
    private static final Pattern RANGE = Pattern.compile("([^-]+)-([^-]+)");

    @Override
    public ByteRange convert(String text) {
      Matcher m = RANGE.matcher(text.strip());
      if (m.matches()) {
        int first = parseOffset(m.group(1));
        int last = parseOffset(m.group(2));
        if (first <= last) {
          return ByteRange.between(first, last + 1);
        }
      }
      throw new TypeConversionException(
          "'" + text + "' is no range: write first and last byte, as in 0x180-0x24f");
    }
  }

  private static int parseOffset(String text) {
    String digits = text.strip();
    if (digits.matches("0[xX][0-9a-fA-F]{1,3}")) {
      return Integer.parseInt(digits.substring(2), 16);
    }
    throw new TypeConversionException(
        "'" + text + "' is no offset: write it in hexadecimal, 0x100 to 0xfff");
  }
}
