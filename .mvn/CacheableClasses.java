import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileElement;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDesc;
import java.lang.reflect.AccessFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/// Makes of a jar one whose classes an AOT cache of JDK 25 holds as they are, so that a start
/// neither verifies nor makes any, and leaves everything else as it is:
///
/// - Classes that were compiled for Java 5, as picocli's are, get the stack maps that class files
///   have since Java 6. No cache holds a class without them.
/// - A `switch` over types asks `instanceof` for one type after the other, in a method of its own.
///   javac leaves that to a call site, for which the JVM makes a class at each start.
///
/// `java CacheableClasses.java JAR` replaces the jar. The same jar gives the same bytes.
final class CacheableClasses {
  /// The first version whose class files have them, Java 6.
  private static final int FIRST_WITH_STACK_MAPS = ClassFile.JAVA_6_VERSION;

  private static final ClassDesc SWITCHES = ClassDesc.of("java.lang.runtime.SwitchBootstraps");

  private CacheableClasses() {}

  public static void main(String[] arguments) throws IOException {
    Path jar = Path.of(arguments[0]);
    Path made = Path.of(arguments[0] + ".new");
    try (ZipFile from = new ZipFile(jar.toFile());
        ZipOutputStream to = new ZipOutputStream(Files.newOutputStream(made))) {
      ClassFile context =
          ClassFile.of(
              StackMapsOption.GENERATE_STACK_MAPS,
              ClassHierarchyResolverOption.of(
                  ClassHierarchyResolver.ofResourceParsing((ClassDesc c) -> classFile(from, c))
                      .orElse(ClassHierarchyResolver.defaultResolver())));
      for (ZipEntry entry : Collections.list(from.entries())) {
        byte[] bytes = bytes(from, entry);
        if (entry.getName().endsWith(".class")) {
          bytes =
              version(bytes) < FIRST_WITH_STACK_MAPS
                  ? withStackMaps(context, bytes)
                  : withoutTypeSwitches(context, context.parse(bytes), bytes);
        }
        put(to, entry, bytes);
      }
    }
    Files.move(made, jar, StandardCopyOption.REPLACE_EXISTING);
  }

  private static InputStream classFile(ZipFile jar, ClassDesc type) {
    String descriptor = type.descriptorString();
    ZipEntry entry = jar.getEntry(descriptor.substring(1, descriptor.length() - 1) + ".class");
    try {
      return entry == null ? null : jar.getInputStream(entry);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(ZipFile jar, ZipEntry entry) throws IOException {
    try (InputStream in = jar.getInputStream(entry)) {
      return in.readAllBytes();
    }
  }

  private static int version(byte[] classFile) {
    return (classFile[6] & 0xff) << 8 | classFile[7] & 0xff;
  }

  private static byte[] withStackMaps(ClassFile context, byte[] classFile) {
    return context.transformClass(
        context.parse(classFile),
        ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)
            .andThen((to, element) -> {
              if (element instanceof ClassFileVersion) {
                to.withVersion(ClassFile.JAVA_8_VERSION, 0);
              } else {
                to.with(element);
              }
            }));
  }

  private static byte[] withoutTypeSwitches(ClassFile context, ClassModel model, byte[] bytes) {
    boolean hasAny =
        model.methods().stream()
            .flatMap(method -> method.code().stream())
            .flatMap(code -> code.elementStream())
            .anyMatch(CacheableClasses::isTypeSwitch);
    if (!hasAny) {
      return bytes;
    }
    List<InvokeDynamicInstruction> switches = new ArrayList<>();
    ClassDesc owner = model.thisClass().asSymbol();
    boolean isInterface = model.flags().has(AccessFlag.INTERFACE);
    return context.transformClass(
        model,
        ClassTransform.transformingMethodBodies(
                (code, element) -> {
                  if (element instanceof InvokeDynamicInstruction call && isTypeSwitch(call)) {
                    code.invokestatic(owner, name(switches.size()), call.typeSymbol(), isInterface);
                    switches.add(call);
                  } else {
                    code.with(element);
                  }
                })
            .andThen(
                ClassTransform.endHandler(to -> {
                  for (int i = 0; i < switches.size(); i++) {
                    InvokeDynamicInstruction call = switches.get(i);
                    to.withMethodBody(
                        name(i),
                        call.typeSymbol(),
                        ClassFile.ACC_PRIVATE | ClassFile.ACC_STATIC | ClassFile.ACC_SYNTHETIC,
                        code -> choose(code, call.bootstrapArgs()));
                  }
                })));
  }

  private static String name(int number) {
    return "typeSwitch$" + number;
  }

  /// True of the call site of a switch whose cases are types and nothing else.
  private static boolean isTypeSwitch(ClassFileElement element) {
    return element instanceof InvokeDynamicInstruction call
        && call.bootstrapMethod().owner().equals(SWITCHES)
        && call.bootstrapMethod().methodName().equals("typeSwitch")
        && call.bootstrapArgs().stream()
            .allMatch(type -> type instanceof ClassDesc c && !c.isPrimitive());
  }

  /// What [java.lang.runtime.SwitchBootstraps#typeSwitch] says: the number of the first type, from
  /// the one on that the second parameter names, that the first is of; -1 for null.
  private static void choose(CodeBuilder code, List<ConstantDesc> types) {
    code.aload(0).ifThen(Opcode.IFNULL, isNull -> isNull.iconst_m1().ireturn());
    for (int i = 0; i < types.size(); i++) {
      int number = i;
      ClassDesc type = (ClassDesc) types.get(i);
      code.iload(1)
          .loadConstant(number)
          .ifThen(
              Opcode.IF_ICMPLE,
              asked ->
                  asked
                      .aload(0)
                      .instanceOf(type)
                      .ifThen(Opcode.IFNE, isIt -> isIt.loadConstant(number).ireturn()));
    }
    code.loadConstant(types.size()).ireturn();
  }

  private static void put(ZipOutputStream to, ZipEntry entry, byte[] bytes) throws IOException {
    ZipEntry copy = new ZipEntry(entry);
    copy.setCompressedSize(-1);
    copy.setSize(bytes.length);
    CRC32 sum = new CRC32();
    sum.update(bytes);
    copy.setCrc(sum.getValue());
    if (entry.getMethod() == ZipEntry.STORED) {
      copy.setCompressedSize(bytes.length);
    }
    to.putNextEntry(copy);
    to.write(bytes);
    to.closeEntry();
  }
}
