package io.vpasid.it.realkernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.guest.cli.Main;
import io.vpasid.guest.iommu.VirtualIommu;
import io.vpasid.guest.vfiouser.VfioUserServer;
import io.vpasid.pci.PciAddress;
import io.vpasid.testing.Need;
import io.vpasid.testing.Needs;
import io.vpasid.vmm.frontend.nested.TranslationMode;
import io.vpasid.vmm.iommufd.simulated.SimulatedHost;
import io.vpasid.vmm.iommufd.simulated.SimulatedIommufd;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A guest in a guest. A machine has a function with PASIDs; its Linux, the host of this story,
/// gives the function to vfio-pci, and `vpasid serve` passes it through to another machine inside;
/// the Linux in that one, the guest, enables PASIDs through the synthesized capability and asks for
/// attachments through the mailbox. What becomes of each request, the host's kernel says: its
/// driver of the IOMMU has a folder in debugfs for each attached PASID, with the page table.
///
/// Everything that happens is told on standard output, and in `target/full-stack/story.txt`.
@Tag("full-stack")
@Needs(Need.FULL_STACK)
class FullStackTest {
  private static final Duration LIMIT = Duration.ofMinutes(20);
  private static final GuestMachine.Size HOST = new GuestMachine.Size(2, 1536);
  private static final GuestMachine.Size GUEST = new GuestMachine.Size(1, 256);

  /// A folder that both the host and what runs in the files of this machine can write.
  private static final Path RUN = Path.of("/run/vpasid");

  private static final String CONFIGURATION =
      """
      { "format": 1,
        "control": { "socket": "control.sock" },
        "log": { "format": "text", "level": "debug" },
        "functions": [
          { "name": "accelerator", "source": "0000:00:04.0", "passthrough": true,
            "socket": "accelerator.sock", "mailbox": true } ],
        "addressSpaces": [ { "name": "empty" }, { "name": "memory", "guestMemory": true } ] }
      """;

  private static final String CONFIGURATION_WITH_IOMMU =
      """
      { "format": 1,
        "control": { "socket": "control.sock" },
        "log": { "format": "text", "level": "debug" },
        "functions": [
          { "name": "accelerator", "source": "0000:00:04.0", "passthrough": true,
            "socket": "accelerator.sock" } ],
        "iommu": { "socket": "iommu.sock",
                   "covers": [ { "function": "accelerator", "place": "04.0" } ] } }
      """;

  /// What Linux in the inner machine does. Whatever it asks for it tells afterwards, and waits for
  /// a line: the host has looked then.
  private static final String REQUESTS =
      """
      for port in /sys/class/virtio-ports/*; do
        [ "$(cat $port/name)" != reports ] || exec 3<>/dev/${port##*/}
      done
      tell() { echo "$*" >&3; }
      function=00:04.0
      tell "Linux $(uname -r) has booted"
      lspci -s $function -vvv | grep -E 'Process Address Space|PASIDCap|PASIDCtl|Vendor-Specific: ID=0001' |
        while read -r line; do tell "lspci: $line"; done
      ask() { # WORDS NUMBER OPERATION PASID HANDLE, as docs/mailbox.md tells
        setpci -s $function ECAP0023+14.L=$4
        setpci -s $function ECAP0023+18.L=$5
        setpci -s $function ECAP0023+10.L=000${2}000$3
        while :; do
          status=$(setpci -s $function ECAP0023+0c.L)
          case $status in 000$2*[02468ace]) break ;; esac
        done
        errno=${status#????}
        tell "asked to $1: errno 0x${errno%?}"
        read -r looked <&3
      }
      ask "attach PASID 5 to address space 1" 1 1 5 1
      ask "attach PASID 7 to address space 2, its own memory" 2 1 7 2
      ask "move PASID 5 to address space 2" 3 1 5 2
      ask "detach PASID 5" 4 2 5 0
      ask "attach PASID 0, which is the function itself" 5 1 0 1
      ask "attach PASID 9 to address space 3, which nobody made" 6 1 9 3
      tell "switching off, with PASID 7 attached"
      """;

  /// What Linux in the inner machine does whose IOMMU is the daemon's, with a driver that has I/O
  /// page tables of its own.
  @SuppressWarnings("InlineFormatString") // a script reads better in one piece
  private static final String DRIVERS_REQUESTS =
      """
      for port in /sys/class/virtio-ports/*; do
        [ "$(cat $port/name)" != reports ] || exec 3<>/dev/${port##*/}
      done
      tell() { echo "$*" >&3; }
      tell "Linux $(uname -r) has booted"
      dmesg | grep 'dmar0: Using' | while read -r line; do tell "dmesg: $line"; done
      insmod /host%s
      ask() {
        echo "$2" >/dev/vpasid_pasids && came=done || came=refused
        tell "asked to $1: $came"
        read -r looked <&3
      }
      ask "map 16 pages in domain 0" "map 0 16"
      ask "map 4 pages in domain 1" "map 1 4"
      ask "attach PASID 5 to domain 0" "attach 5 0"
      ask "attach PASID 7 to domain 0" "attach 7 0"
      ask "replace the domain of PASID 5 by domain 1" "replace 5 1"
      ask "map 8 pages more in domain 0" "map 0 8"
      ask "unmap all of domain 1" "unmap 1"
      ask "detach PASID 5" "detach 5 1"
      dmesg | grep -E 'DMAR:.*fault' | while read -r line; do tell "dmesg: $line"; done
      tell "switching off, with PASID 7 attached"
      """;

  private static final Pattern ASKED_OR_FOUND = Pattern.compile("guest: asked|tables of the IOMMU");

  /// That of the daemon's log; the story has a clock of its own.
  private static final Pattern DATE = Pattern.compile("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} ");

  @TempDir private Path folder;

  @Test
  void everyAttachmentOfTheInnerGuestIsTheOuterKernels() throws IOException {
    MachineParts parts = MachineParts.prepare();
    Path results = Path.of("target", "full-stack").toAbsolutePath();
    List<String> story =
        story(parts, results, hostScript(parts, CONFIGURATION, inner(REQUESTS, List.of())));

    assertThat(story)
        .contains("guest: lspci: Capabilities: [160 v1] Process Address Space ID (PASID)")
        .anyMatch(line -> line.startsWith("guest: lspci: PASIDCtl: Enable+"))
        .contains(
            "daemon: accelerator: 0000:00:04.0 f00d:0003 on "
                + RUN
                + "/accelerator.sock, vPASID at 0x160")
        .contains(
            "host: the inner machine is off, with status 0",
            "host: the daemon has ended, with status 0");
    assertThat(story.stream().filter(line -> ASKED_OR_FOUND.matcher(line).find()))
        .map(line -> line.replaceAll("[1-9][0-9]* pages", "N pages"))
        .containsExactly(
            "host: PASIDs in the tables of the IOMMU: none",
            "guest: asked to attach PASID 5 to address space 1: errno 0x000",
            "host: PASIDs in the tables of the IOMMU: 5 (0 pages mapped)",
            "guest: asked to attach PASID 7 to address space 2, its own memory: errno 0x000",
            "host: PASIDs in the tables of the IOMMU: 5 (0 pages mapped) 7 (N pages mapped)",
            "guest: asked to move PASID 5 to address space 2: errno 0x000",
            "host: PASIDs in the tables of the IOMMU: 5 (N pages mapped) 7 (N pages mapped)",
            "guest: asked to detach PASID 5: errno 0x000",
            "host: PASIDs in the tables of the IOMMU: 7 (N pages mapped)",
            "guest: asked to attach PASID 0, which is the function itself: errno 0x016",
            "host: PASIDs in the tables of the IOMMU: 7 (N pages mapped)",
            "guest: asked to attach PASID 9 to address space 3, which nobody made: errno 0x002",
            "host: PASIDs in the tables of the IOMMU: 7 (N pages mapped)",
            "host: PASIDs in the tables of the IOMMU: none",
            "host: PASIDs in the tables of the IOMMU: none");
  }

  /// The inner Linux has the daemon's IOMMU, and its own driver writes the entries: what it maps is
  /// in the tables of the outer kernel's IOMMU.
  @Test
  void innerGuestsOwnDriverAttachesThroughTheDaemonsIommu() throws IOException {
    MachineParts parts = MachineParts.prepare();
    Path results = Path.of("target", "full-stack-iommu").toAbsolutePath();
    GuestMachine.Setup inner =
        inner(
            DRIVERS_REQUESTS.formatted(parts.drivers().resolve("vpasid_pasids.ko")),
            List.of(new GuestMachine.Function("03.0", RUN.resolve("iommu.sock"))));
    List<String> story =
        story(
            parts,
            results,
            hostScript(parts, CONFIGURATION_WITH_IOMMU, withUnit(parts, inner, results)));

    assertThat(story)
        .anyMatch(line -> line.contains("dmar0: Using Queued invalidation"))
        .noneMatch(line -> line.contains("handling fault"))
        .contains(
            "host: the inner machine is off, with status 0",
            "host: the daemon has ended, with status 0");
    assertThat(story.stream().filter(line -> ASKED_OR_FOUND.matcher(line).find()))
        .containsExactly(
            "host: PASIDs in the tables of the IOMMU: none",
            "guest: asked to map 16 pages in domain 0: done",
            "host: PASIDs in the tables of the IOMMU: none",
            "guest: asked to map 4 pages in domain 1: done",
            "host: PASIDs in the tables of the IOMMU: none",
            "guest: asked to attach PASID 5 to domain 0: done",
            "host: PASIDs in the tables of the IOMMU: 5 (16 pages mapped)",
            "guest: asked to attach PASID 7 to domain 0: done",
            "host: PASIDs in the tables of the IOMMU: 5 (16 pages mapped) 7 (16 pages mapped)",
            "guest: asked to replace the domain of PASID 5 by domain 1: done",
            "host: PASIDs in the tables of the IOMMU: 5 (4 pages mapped) 7 (16 pages mapped)",
            "guest: asked to map 8 pages more in domain 0: done",
            "host: PASIDs in the tables of the IOMMU: 5 (4 pages mapped) 7 (24 pages mapped)",
            "guest: asked to unmap all of domain 1: done",
            "host: PASIDs in the tables of the IOMMU: 5 (0 pages mapped) 7 (24 pages mapped)",
            "guest: asked to detach PASID 5: done",
            "host: PASIDs in the tables of the IOMMU: 7 (24 pages mapped)",
            "host: PASIDs in the tables of the IOMMU: none",
            "host: PASIDs in the tables of the IOMMU: none");
  }

  /// The inner machine with the daemon's IOMMU. Where its firmware puts that, a machine with
  /// functions of the same kind tells here.
  private GuestMachine.Setup withUnit(MachineParts parts, GuestMachine.Setup inner, Path results)
      throws IOException {
    try (SimulatedIommufd iommufd = SimulatedHost.builder().build().open();
        VirtualIommu iommu =
            VirtualIommu.open(iommufd, List.of(), Optional.of(TranslationMode.Kind.SHADOW));
        VfioUserServer unit =
            VfioUserServer.open(
                folder.resolve("3.sock"), iommu.device(), VfioUserServer.Options.defaults());
        VfioUserServer function =
            VfioUserServer.open(
                folder.resolve("4.sock"),
                new PhysicalFunction(Accelerators.withPasid().config()),
                VfioUserServer.Options.defaults())) {
      GuestMachine.Setup like =
          new GuestMachine.Setup(
              "",
              List.of(
                  new GuestMachine.Function("04.0", function.path()),
                  new GuestMachine.Function("03.0", unit.path())),
              false,
              LIMIT,
              GUEST,
              List.of());
      var _ =
          FirmwareBoot.withUnit(parts, like, "03.0", List.of(new PciAddress(0, 0, 4, 0)), results);
      return inner.withIommu(results.resolve("dmar.bin"));
    }
  }

  private static GuestMachine.Setup inner(String script, List<GuestMachine.Function> more) {
    List<GuestMachine.Function> functions = new ArrayList<>();
    functions.add(new GuestMachine.Function("04.0", RUN.resolve("accelerator.sock")));
    functions.addAll(more);
    return new GuestMachine.Setup(script, functions, false, LIMIT, GUEST, List.of("iommu=pt"));
  }

  private List<String> story(MachineParts parts, Path results, String hostScript)
      throws IOException {
    Path socket = folder.resolve("physical.sock");
    List<String> story = new ArrayList<>();
    try (VfioUserServer physical =
            VfioUserServer.open(
                socket,
                new PhysicalFunction(Accelerators.withPasid().config()),
                VfioUserServer.Options.defaults());
        GuestMachine host =
            GuestMachine.boot(
                parts,
                new GuestMachine.Setup(
                    hostScript,
                    List.of(new GuestMachine.Function("04.0", physical.path())),
                    false,
                    LIMIT,
                    HOST,
                    List.of()),
                results)) {
      tell(parts, host, results.resolve("story.txt"), story);
      host.awaitEnd();
    }
    return story;
  }

  private static void tell(MachineParts parts, GuestMachine host, Path file, List<String> story)
      throws IOException {
    long start = System.nanoTime();
    try (BufferedReader lines =
            new BufferedReader(new InputStreamReader(host.reports(), StandardCharsets.UTF_8));
        PrintWriter out = new PrintWriter(Files.newBufferedWriter(file), true)) {
      String line = "here: " + parts.qemuVersion() + ", Java " + Runtime.version();
      while (line != null) {
        story.add(line);
        String[] whoAndWhat = DATE.matcher(line).replaceFirst("").split(": ", 2);
        String told =
            String.format(
                Locale.ROOT,
                "%4d s  %-7s%s",
                (System.nanoTime() - start) / 1_000_000_000,
                whoAndWhat[0],
                whoAndWhat.length > 1 ? whoAndWhat[1] : "");
        out.println(told);
        System.out.println(told);
        line = lines.readLine();
      }
    }
  }

  /// What Linux in the outer machine does.
  private static String hostScript(
      MachineParts parts, String configuration, GuestMachine.Setup inner) throws IOException {
    List<String> qemu = new ArrayList<>(List.of("env", "--chdir=" + RUN));
    qemu.addAll(GuestMachine.command(parts, inner, RUN, RUN.resolve("guest.sh")));
    return """
    for port in /sys/class/virtio-ports/*; do
      [ "$(cat $port/name)" != reports ] || exec 3<>/dev/${port##*/}
    done
    tell() { echo "host: $*" >&3; }
    of() { while read -r line; do echo "$1: $line" >&3; done; }
    tell "Linux $(uname -r) has booted"
    function=0000:00:04.0
    echo vfio-pci >/sys/bus/pci/devices/$function/driver_override
    echo $function >/sys/bus/pci/drivers_probe
    tell "vfio-pci has $function, $(cat /sys/bus/pci/devices/$function/vendor):$(cat /sys/bus/pci/devices/$function/device)"
    tables=/sys/kernel/debug/iommu/intel/$function
    look() {
      attached=
      for pasid in $(cd $tables && ls); do
        [ ! -d $tables/$pasid ] || attached="$attached $pasid ($(grep -c '^0x' $tables/$pasid/domain_translation_struct) pages mapped)"
      done
      tell "PASIDs in the tables of the IOMMU:${attached:- none}"
    }
    look
    mount -t tmpfs run /host/run
    mkdir -p /host%1$s
    cat >/host%1$s/serve.json <<'END_OF_CONFIGURATION'
    %2$sEND_OF_CONFIGURATION
    cat >/host%1$s/guest.sh <<'END_OF_SCRIPT'
    %3$sEND_OF_SCRIPT
    tell "starting the daemon"
    %4$s >/host%1$s/daemon.log 2>&1 & daemon=$!
    tail -f /host%1$s/daemon.log | of daemon &
    until [ -S /host%1$s/control.sock ]; do
      kill -0 $daemon || exit 1
      sleep 1
    done
    tell "starting the inner machine"
    mkfifo /to /from
    %5$s </to >/from & guest=$!
    exec 4<>/to 5<>/from
    tail -F /host%1$s/console.log 2>/dev/null | while read -r line; do echo "guest: $line"; done &
    while kill -0 $guest; do
      read -r -t 10 line <&5 || continue
      echo "guest: $line" >&3
      case $line in
        asked*)
          look
          echo looked >&4
          ;;
      esac
    done
    wait $guest
    tell "the inner machine is off, with status $?"
    look
    kill $daemon
    wait $daemon
    tell "the daemon has ended, with status $?"
    look
    """
        .formatted(
            RUN,
            configuration,
            inner.script(),
            HostCommand.ofJava(
                List.of("-Djava.io.tmpdir=" + RUN),
                Main.class,
                "serve",
                RUN.resolve("serve.json").toString()),
            HostCommand.of(qemu));
  }
}
