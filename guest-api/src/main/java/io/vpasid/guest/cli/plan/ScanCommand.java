package io.vpasid.guest.cli.plan;

import io.vpasid.guest.cli.option.SynthesisOptions;
import io.vpasid.guest.cli.terminal.ExitCode;
import io.vpasid.guest.cli.terminal.Progress;
import io.vpasid.guest.cli.terminal.Terminal;
import io.vpasid.guest.config.DumpFolders;
import io.vpasid.guest.config.DumpReader;
import io.vpasid.guest.config.InputException;
import io.vpasid.guest.config.Unread;
import io.vpasid.guest.report.Json;
import io.vpasid.pci.dump.DumpForm;
import io.vpasid.synth.quirk.QuirkTable;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// Plans every function of every dump in some folders.
@Command(
    name = "scan",
    header = "Plans every function of every dump in folders.",
    description = {
      "Reads every dump in the folders and below, plans each function in them, and counts: which"
          + " get a vPASID, how, and why others do not; and what is at the places chosen, beside"
          + " what is at 0xff8, where QEMU 11 puts it unless told.",
      "Files that are no dumps, and functions of which a dump does not have all rows, are named and"
          + " left out; so are names that begin with a dot.",
      ""
    },
    mixinStandardHelpOptions = true,
    addMethodSubcommands = false,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:at least one function gets a vPASID",
      "1:functions were read, and none gets one; with --cross also: a place is in use in another"
          + " capture of the device",
      "2:bad usage, or nothing that could be read",
      "3:nothing could be read for lack of permissions"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vpasid scan dumps/",
      "  vpasid scan dumps/ --cross",
      "  vpasid scan dumps/ --json | jq -c 'select(.qemu.live) | [.id, .file]'"
    })
public final class ScanCommand implements Callable<Integer> {
  /// Files per core that are read ahead of the one whose turn it is.
  private static final int AHEAD = 8;

  @Spec private CommandSpec spec;
  @ParentCommand private Terminal.Owner top;

  @Parameters(
      paramLabel = "PATH",
      arity = "1..*",
      description = "A folder, or a dump (lspci -xxxx text, hex of any tool, raw bytes).")
  private List<Path> paths;

  @Mixin private SynthesisOptions options;

  @Option(
      names = "--form",
      paramLabel = "FORM",
      description =
          "What all dumps are, where their content does not tell: raw, lspci, hex, words, groups or"
              + " coe.")
  private Optional<DumpForm> form = Optional.empty();

  @Option(names = "--list", description = "Also print a line for each function.")
  private boolean list;

  @Option(
      names = "--json",
      description = "Print NDJSON: an object in a line for each function, and no summary.")
  private boolean json;

  @Option(
      names = "--cross",
      description =
          "Also look up each place in the other captures of the same device, where they differ; exit"
              + " code 1 if one is in use there.")
  private boolean cross;

  private final ScanSummary summary = new ScanSummary();
  private final CrossCheck crossCheck = new CrossCheck();

  /// Why files and folders are left out, of the first of them.
  private final List<Unread> reasons = new ArrayList<>();

  private int leftOut;
  private int filesRead;
  private int filesUnread;
  private boolean lacksAccess;

  @Override
  public Integer call() {
    for (Path path : paths) {
      if (!Files.exists(path)) {
        throw new InputException(path + ": there is no such file or folder");
      }
    }
    PrintWriter err = spec.commandLine().getErr();
    QuirkTable quirks = options.quirkTable();
    options.readOtherCaptures();
    options.noteAssumptions(err);
    Progress progress = new Progress(err, showsProgress(), "files", total());
    try {
      scan(quirks, progress);
    } finally {
      progress.end();
    }
    Unread.note(err, reasons, leftOut);
    if (summary.functions() == 0) {
      err.println("vpasid: " + DumpReader.nothingIn(paths));
      return lacksAccess ? ExitCode.ENVIRONMENT : ExitCode.USAGE;
    }
    PrintWriter out = spec.commandLine().getOut();
    crossCheck.look();
    if (json) {
      crossCheck.printLines(out);
    } else {
      out.print(list ? System.lineSeparator() : "");
      out.printf("%8d  files%n", filesRead);
      summary.print(out);
      if (cross) {
        crossCheck.print(out);
      }
    }
    return summary.placements() > 0 && !crossCheck.found() ? ExitCode.DONE : ExitCode.NO;
  }

  /// A bar would run into lines on the same screen.
  private boolean showsProgress() {
    Terminal terminal = top.terminal();
    return terminal.errors() && !(terminal.output() && (list || json));
  }

  /// How many files there are, which only a progress bar needs to know.
  private int total() {
    int files = 0;
    if (showsProgress()) {
      Iterator<Path> counted = new DumpFolders(paths, _ -> {});
      while (counted.hasNext()) {
        counted.next();
        files++;
      }
    }
    return files;
  }

  /// Reads files on all cores, and reports them in their order.
  private void scan(QuirkTable quirks, Progress progress) {
    int cores = Runtime.getRuntime().availableProcessors();
    Iterator<Path> files = new DumpFolders(paths, this::leaveOut);
    Deque<Future<ScannedFile>> ahead = new ArrayDeque<>();
    try (ExecutorService workers = Executors.newFixedThreadPool(cores)) {
      try {
        while (files.hasNext() || !ahead.isEmpty()) {
          while (files.hasNext() && ahead.size() < AHEAD * cores) {
            Path file = files.next();
            ahead.add(workers.submit(() -> ScannedFile.read(file, form, options, quirks, cross)));
          }
          report(result(ahead.remove()));
          progress.at(filesRead + filesUnread, summary.functions() + " functions");
        }
      } finally {
        workers.shutdownNow();
      }
    }
  }

  private static ScannedFile result(Future<ScannedFile> file) {
    try {
      return file.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("The scan was interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("A file could not be scanned", e.getCause());
    }
  }

  private void report(ScannedFile file) {
    file.unread().forEach(this::leaveOut);
    filesUnread += file.isRead() ? 0 : 1;
    filesRead += file.isRead() ? 1 : 0;
    PrintWriter out = spec.commandLine().getOut();
    for (int i = 0; i < file.captured().size(); i++) {
      crossCheck.add(file.functions().get(i), file.captured().get(i));
    }
    for (ScannedFunction function : file.functions()) {
      summary.add(function);
      if (json) {
        Json.printLine(out, function);
      } else if (list) {
        out.println(function.summary());
      }
    }
  }

  private void leaveOut(Unread unread) {
    leftOut++;
    lacksAccess |= unread.lacksAccess();
    if (reasons.size() < Unread.MAX_NOTES) {
      reasons.add(unread);
    }
  }
}
