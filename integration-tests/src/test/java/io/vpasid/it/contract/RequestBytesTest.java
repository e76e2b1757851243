package io.vpasid.it.contract;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.vpasid.it.realkernel.InRealKernel;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Rows of the contract that the backend cannot provoke, because it always sends whole and sound
/// structures: made here with bytes of their own on Linux 7.3. They show that the reference is
/// right where it says what the kernel does with others.
@InRealKernel(seconds = 600)
class RequestBytesTest {
  private static final Path FUNCTION = Path.of("/sys/bus/pci/devices/0000:00:04.0");
  private static final int EFAULT = 14;
  private static final int EINVAL = 22;
  private static final int ENOENT = 2;
  private static final int ENOTTY = 25;
  private static final int E2BIG = 7;
  private static final int EOPNOTSUPP = 95;
  private static final int EOVERFLOW = 75;
  private static final int EBUSY = 16;
  private static final int ESPIPE = 29;

  private static final int DESTROY = 0x3b80;
  private static final int IOAS_ALLOC = 0x3b81;
  private static final int HWPT_ALLOC = 0x3b89;
  private static final int GET_HW_INFO = 0x3b8a;
  private static final int IOAS_MAP = 0x3b85;
  private static final int HWPT_INVALIDATE = 0x3b8d;
  private static final int FAULT_QUEUE_ALLOC = 0x3b8e;
  private static final int VIOMMU_ALLOC = 0x3b90;
  private static final int GROUP_SET_CONTAINER = 0x3b68;
  private static final int GROUP_GET_DEVICE_FD = 0x3b6a;
  private static final int GET_INFO = 0x3b6b;
  private static final int RESET = 0x3b6f;
  private static final int BIND = 0x3b76;
  private static final int ATTACH = 0x3b77;
  private static final int DETACH = 0x3b78;
  private static final int PASID = 1;

  /// Readable, at the IOVA of the request.
  private static final int READ_AT = 1 | 4;

  private Arena arena;
  private Descriptors files;
  private int iommufd;
  private int device;

  @BeforeEach
  @SuppressWarnings("MustBeClosedChecker") // closed after the test
  void openBoth() throws IOException {
    arena = Arena.ofConfined();
    files = new Descriptors();
    iommufd = files.open(Path.of("/dev/iommu"));
    try (var names = Files.list(FUNCTION.resolve("vfio-dev"))) {
      Path name = Objects.requireNonNull(names.findFirst().orElseThrow().getFileName());
      device = files.open(Path.of("/dev/vfio/devices").resolve(name));
    }
  }

  @AfterEach
  void closeBoth() {
    files.close();
    arena.close();
  }

  /// A structure of 32-bit words, followed by zeros.
  private MemorySegment words(int... words) {
    MemorySegment memory = arena.allocate(256, 8);
    MemorySegment.copy(words, 0, memory, JAVA_INT, 0, words.length);
    return memory;
  }

  private int ioasAlloc() {
    MemorySegment argument = words(12);
    assertThat(RawCalls.ioctl(iommufd, IOAS_ALLOC, argument)).isZero();
    return argument.get(JAVA_INT, 8);
  }

  private int bind() {
    MemorySegment argument = words(24, 0, iommufd);
    assertThat(RawCalls.ioctl(device, BIND, argument)).isZero();
    return argument.get(JAVA_INT, 12);
  }

  private int hwptForPasids(int boundDevice, int ioas) {
    MemorySegment argument = words(48, 8, boundDevice, ioas);
    assertThat(RawCalls.ioctl(iommufd, HWPT_ALLOC, argument)).isZero();
    return argument.get(JAVA_INT, 16);
  }

  @ParameterizedTest
  @CsvSource({"0x3b80, 8", "0x3b81, 12", "0x3b85, 40", "0x3b86, 24", "0x3b89, 24", "0x3b8a, 32"})
  void sizeBelowTheLeastIsInvalid(String request, int least) {
    assertThat(RawCalls.ioctl(iommufd, Integer.decode(request), words(least - 1)))
        .isEqualTo(EINVAL);
  }

  @ParameterizedTest
  @CsvSource({"0x3b80, 8", "0x3b81, 12", "0x3b85, 40", "0x3b86, 24", "0x3b89, 48", "0x3b8a, 40"})
  void bytesBehindTheStructureMustBeZero(String request, int size) {
    MemorySegment argument = words(size + 1);
    argument.set(JAVA_BYTE, size, (byte) 1);

    assertThat(RawCalls.ioctl(iommufd, Integer.decode(request), argument)).isEqualTo(E2BIG);
  }

  @Test
  void structureThatIsLongerWithZerosIsTaken() {
    assertThat(RawCalls.ioctl(iommufd, IOAS_ALLOC, words(13))).isZero();
  }

  @Test
  void requestWithoutAStructureFaults() {
    assertThat(RawCalls.ioctl(iommufd, IOAS_ALLOC, MemorySegment.NULL)).isEqualTo(EFAULT);
  }

  @Test
  void unknownRequestIsNone() {
    assertThat(RawCalls.ioctl(iommufd, 0x3b7f, words(8))).isEqualTo(ENOTTY);
    assertThat(RawCalls.ioctl(iommufd, 0x3bff, words(8))).isEqualTo(ENOTTY);
  }

  @Test
  void unknownFlagIsNotSupported() {
    assertThat(RawCalls.ioctl(iommufd, IOAS_ALLOC, words(12, 1))).isEqualTo(EOPNOTSUPP);
  }

  @Test
  void idZeroIsNotFound() {
    assertThat(RawCalls.ioctl(iommufd, DESTROY, words(8, 0))).isEqualTo(ENOENT);
  }

  @Test
  void reservedMemberOfAPageTableRequestIsNotSupported() {
    assertThat(RawCalls.ioctl(iommufd, HWPT_ALLOC, words(48, 0, 0, 0, 0, 1))).isEqualTo(EOPNOTSUPP);
  }

  @Test
  void s13ReplaceOfAPasidThatIsNotAttachedIsRefused() {
    int ioas = ioasAlloc();
    try (MockRequest made = new MockRequest(MockRequest.MAKE_DEVICE, ioas);
        MockRequest replace = mockWithPasids(made)) {
      replace.set(16, 200).set(20, hwptForPasids(made.get(24), ioas));

      assertThat(replace.make(iommufd)).isEqualTo(EINVAL);
    }
  }

  private MockRequest mockWithPasids(MockRequest made) {
    made.set(28, MockRequest.WITH_PASIDS).makeOrThrow(iommufd);
    return new MockRequest(MockRequest.PASID_REPLACE, made.get(16));
  }

  @Test
  void s22ShortBufferOfHardwareInfoIsFilledAndALongOneCleared() {
    int ioas = ioasAlloc();
    try (MockRequest made = new MockRequest(MockRequest.MAKE_DEVICE, ioas)) {
      made.set(28, MockRequest.WITH_PASIDS).makeOrThrow(iommufd);
      int mock = made.get(24);

      MemorySegment buffer = arena.allocate(32, 8).fill((byte) 0x55);
      assertThat(hwInfo(mock, 4, buffer)).isEqualTo(8);
      assertThat(buffer.get(JAVA_INT, 0)).isZero();
      assertThat(buffer.get(JAVA_INT, 4)).isEqualTo(0x55555555);

      buffer.fill((byte) 0x55);
      assertThat(hwInfo(mock, 32, buffer)).isEqualTo(8);
      assertThat(buffer.get(JAVA_INT, 4)).isEqualTo(0xdeadbeef);
      assertThat(buffer.asSlice(8).toArray(JAVA_BYTE)).containsOnly(0);
    }
  }

  private int hwInfo(int boundDevice, int length, MemorySegment buffer) {
    MemorySegment argument = words(40, 0, boundDevice, length);
    argument.set(JAVA_LONG, 16, buffer.address());
    assertThat(RawCalls.ioctl(iommufd, GET_HW_INFO, argument)).isZero();
    return argument.get(JAVA_INT, 12);
  }

  @Test
  void v2InfoBeforeBindFails() {
    assertThat(RawCalls.ioctl(device, GET_INFO, words(24))).isEqualTo(EINVAL);
  }

  @Test
  void v3BindToNoFileFails() {
    assertThat(RawCalls.ioctl(device, BIND, words(24, 0, -2))).isEqualTo(EINVAL);
  }

  @Test
  void everythingBeforeBindFails() {
    assertThat(RawCalls.ioctl(device, ATTACH, words(16, 0, 1))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, DETACH, words(12))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, RESET, MemorySegment.NULL)).isEqualTo(EINVAL);
  }

  @Test
  void bindChecksItsStructure() {
    assertThat(RawCalls.ioctl(device, BIND, MemorySegment.NULL)).isEqualTo(EFAULT);
    assertThat(RawCalls.ioctl(device, BIND, words(15, 0, iommufd))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, BIND, words(28, 0, iommufd, 0, 0, 0, 1))).isEqualTo(E2BIG);
    assertThat(RawCalls.ioctl(device, BIND, words(24, 2, iommufd))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, BIND, words(28, 0, iommufd))).isZero();
  }

  @Test
  void bindWithATokenThatNobodyAskedForFails() {
    MemorySegment token = words(1, 2, 3, 4);
    MemorySegment argument = words(24, 1, iommufd);
    argument.set(JAVA_LONG, 16, token.address());

    assertThat(RawCalls.ioctl(device, BIND, argument)).isEqualTo(EINVAL);
    argument.set(JAVA_LONG, 16, 0);
    assertThat(RawCalls.ioctl(device, BIND, argument)).isEqualTo(EFAULT);
  }

  @Test
  void bindWhoseAnswerCannotBeWrittenIsUndone(@TempDir Path folder) throws IOException {
    assertThat(RawCalls.ioctl(device, BIND, readOnly(folder, 24, 0, iommufd))).isEqualTo(EFAULT);

    bind();
  }

  @Test
  void bindToAFileOfAnotherKindFails() {
    int other = files.open(Path.of("/dev/null"));

    assertThat(RawCalls.ioctl(device, BIND, words(24, 0, other))).isEqualTo(77);
    assertThat(RawCalls.ioctl(device, BIND, words(24, 0, 1000))).isEqualTo(9);
  }

  /// Such a file is bound already, to the context that its group has as container.
  @Test
  void bindOfAFileFromTheGroupFails() throws IOException {
    Path group = Files.readSymbolicLink(FUNCTION.resolve("iommu_group"));
    int container =
        files.open(Path.of("/dev/vfio").resolve(Objects.requireNonNull(group.getFileName())));
    assertThat(RawCalls.ioctl(container, GROUP_SET_CONTAINER, words(iommufd))).isZero();
    int fromGroup =
        files.add(
            RawCalls.answer(container, GROUP_GET_DEVICE_FD, arena.allocateFrom("0000:00:04.0")));

    assertThat(RawCalls.ioctl(fromGroup, BIND, words(24, 0, iommufd))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, BIND, words(24, 0, iommufd)))
        .as("while the group is open")
        .isEqualTo(EBUSY);
  }

  @Test
  void v4SecondBindOfAFileFails() {
    bind();

    assertThat(RawCalls.ioctl(device, BIND, words(24, 0, iommufd))).isEqualTo(EINVAL);
  }

  @Test
  void x4ShortStructureWithPasidFlagIsRefused() {
    int hwpt = hwptForPasids(bind(), ioasAlloc());

    assertThat(RawCalls.ioctl(device, ATTACH, words(12, PASID, hwpt, 100))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, DETACH, words(8, PASID, 100))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, ATTACH, words(12, 0, hwpt))).isZero();
    assertThat(RawCalls.ioctl(device, DETACH, words(8, 0))).isZero();
  }

  @Test
  void x5UnknownFlagIsRefused() {
    int hwpt = hwptForPasids(bind(), ioasAlloc());

    assertThat(RawCalls.ioctl(device, ATTACH, words(16, 2, hwpt, 100))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, DETACH, words(12, 2, 100))).isEqualTo(EINVAL);
  }

  @Test
  void attachAndDetachCheckTheirStructures() {
    int hwpt = hwptForPasids(bind(), ioasAlloc());

    assertThat(RawCalls.ioctl(device, ATTACH, MemorySegment.NULL)).isEqualTo(EFAULT);
    assertThat(RawCalls.ioctl(device, DETACH, MemorySegment.NULL)).isEqualTo(EFAULT);
    assertThat(RawCalls.ioctl(device, ATTACH, words(11, 0, hwpt))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, DETACH, words(7))).isEqualTo(EINVAL);
    assertThat(RawCalls.ioctl(device, ATTACH, words(20, PASID, hwpt, 100, 1)))
        .as("what is behind the structure does not matter")
        .isZero();
  }

  @Test
  void pageTableWhoseIdCannotBeWrittenIsNotMade(@TempDir Path folder) throws IOException {
    int boundDevice = bind();
    int ioas = ioasAlloc();

    MemorySegment readOnly = readOnly(folder, 48, 8, boundDevice, ioas);
    assertThat(RawCalls.ioctl(iommufd, HWPT_ALLOC, readOnly)).isEqualTo(EFAULT);
    assertThat(RawCalls.ioctl(iommufd, DESTROY, words(8, ioas))).as("nothing uses it").isZero();
  }

  @Test
  void mapChecksItsStructure() {
    int ioas = ioasAlloc();

    assertThat(map(ioas, 8 | READ_AT, 0, 0, 4096)).as("unknown flag").isEqualTo(EOPNOTSUPP);
    assertThat(map(ioas, READ_AT, 1, 0, 4096)).as("reserved member").isEqualTo(EOPNOTSUPP);
    assertThat(map(ioas, READ_AT, 0, 0, -1)).as("length").isEqualTo(EOVERFLOW);
    assertThat(map(ioas, READ_AT, 0, -4096, 8192)).as("address and length").isEqualTo(EOVERFLOW);
  }

  private int map(int ioas, int flags, int reserved, long address, long length) {
    MemorySegment argument = words(40, flags, ioas, reserved);
    argument.set(JAVA_LONG, 16, address);
    argument.set(JAVA_LONG, 24, length);
    argument.set(JAVA_LONG, 32, 0x4000_0000L);
    return RawCalls.ioctl(iommufd, IOAS_MAP, argument);
  }

  @Test
  void unknownFlagsAndReservedMembersAreNotSupported() {
    int boundDevice = bind();

    assertThat(RawCalls.ioctl(iommufd, GET_HW_INFO, words(40, 2, boundDevice)))
        .isEqualTo(EOPNOTSUPP);
    assertThat(RawCalls.ioctl(iommufd, FAULT_QUEUE_ALLOC, words(16, 1))).isEqualTo(EOPNOTSUPP);
    assertThat(RawCalls.ioctl(iommufd, HWPT_INVALIDATE, words(32, 1, 0, 0, 0, 24, 0, 1)))
        .isEqualTo(EOPNOTSUPP);
    assertThat(RawCalls.ioctl(iommufd, VIOMMU_ALLOC, words(40, 1, 1, boundDevice)))
        .isEqualTo(EOPNOTSUPP);
  }

  @Test
  void faultQueueTransfersWholeRecordsOnly() {
    MemorySegment argument = words(16);
    assertThat(RawCalls.ioctl(iommufd, FAULT_QUEUE_ALLOC, argument)).isZero();
    int queue = files.add(argument.get(JAVA_INT, 12));

    assertThat(RawCalls.read(queue, arena.allocate(39))).isEqualTo(-ESPIPE);
    assertThat(RawCalls.read(queue, arena.allocate(40))).as("there is none").isZero();
    assertThat(RawCalls.write(queue, arena.allocate(7))).isEqualTo(-ESPIPE);
    assertThat(RawCalls.write(queue, words(0, 2).asSlice(0, 8))).as("code").isEqualTo(-EINVAL);
    assertThat(RawCalls.write(queue, words(1, 0).asSlice(0, 8))).as("cookie").isEqualTo(-EINVAL);
  }

  /// The kernel writes the page table's id back after it attached the PASID, and undoes the wrong
  /// attachment when it cannot.
  @Test
  void x15AnswerThatCannotBeWrittenDetachesTheFunction(@TempDir Path folder) throws IOException {
    int boundDevice = bind();
    int ioas = ioasAlloc();
    int own = hwptForPasids(boundDevice, ioas);
    int pasids = hwptForPasids(boundDevice, ioas);
    assertThat(RawCalls.ioctl(device, ATTACH, words(16, 0, own))).isZero();

    MemorySegment readOnly = readOnly(folder, 16, PASID, pasids, 100);
    assertThat(RawCalls.ioctl(device, ATTACH, readOnly)).isEqualTo(EFAULT);
    assertThat(RawCalls.ioctl(iommufd, DESTROY, words(8, own))).as("the function left").isZero();
    assertThat(RawCalls.ioctl(iommufd, DESTROY, words(8, pasids)))
        .as("the PASID stayed")
        .isEqualTo(EBUSY);
  }

  private MemorySegment readOnly(Path folder, int... words) throws IOException {
    byte[] bytes = new byte[4096];
    MemorySegment.copy(words, 0, MemorySegment.ofArray(bytes), JAVA_INT_UNALIGNED, 0, words.length);
    Path file = Files.write(folder.resolve("argument"), bytes);
    try (FileChannel channel = FileChannel.open(file)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096, arena);
    }
  }
}
