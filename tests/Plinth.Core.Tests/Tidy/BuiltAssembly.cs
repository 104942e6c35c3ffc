using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Plinth.Tidy;

/// <summary>
/// One of our assemblies as it was built, read with <c>System.Reflection.Metadata</c>: its members and what each of them uses, from
/// signatures, attributes and instructions. Nothing is loaded or run. (Constants are inlined by the compiler and leave no trace.)
/// </summary>
sealed class BuiltAssembly : IDisposable
{
    static readonly string[] s_ours = ["Plinth.Core", "Plinth.Engine", "Plinth.Server", "plinth"];
    static readonly Dictionary<short, OperandType> s_operands = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(o => o.Value, o => o.OperandType);

    readonly PEReader _file;

    BuiltAssembly(string name, string path)
    {
        (Name, Path) = (name, path);
        _file = new PEReader(File.OpenRead(path));
        Metadata = _file.GetMetadataReader();
    }

    public string Name { get; }

    public string Path { get; }

    public MetadataReader Metadata { get; }

    /// <summary>Those of our assemblies that this test project stands on: the pure floor, or all.</summary>
    public static IEnumerable<BuiltAssembly> Present()
    {
        foreach (string name in s_ours)
        {
            string path = System.IO.Path.Combine(AppContext.BaseDirectory, name + ".dll");
            if (File.Exists(path)) yield return new(name, path);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Types that a person wrote (those of the compiler belong to the type around them).</summary>
    public IEnumerable<TypeDefinitionHandle> Types() =>
        Metadata.TypeDefinitions.Where(h => !IsMadeByCompiler(Metadata.GetTypeDefinition(h)));

    public bool IsMadeByCompiler(TypeDefinition type) => Metadata.GetString(type.Name).Contains('<', StringComparison.Ordinal)
        || (!type.GetDeclaringType().IsNil && IsMadeByCompiler(Metadata.GetTypeDefinition(type.GetDeclaringType())));

    /// <summary>Every use in the assembly, with the member in whose text it stands.</summary>
    public IEnumerable<(string Room, string Member, UsedName Used)> Uses()
    {
        foreach (TypeDefinitionHandle handle in Metadata.TypeDefinitions)
        {
            TypeDefinition type = Metadata.GetTypeDefinition(handle);
            string name = NameOf(handle).Type, space = NamespaceOf(handle);
            UseCollector uses = new(Metadata);
            Add(uses, type.BaseType);
            foreach (var implemented in type.GetInterfaceImplementations())
                Add(uses, Metadata.GetInterfaceImplementation(implemented).Interface);
            foreach (var parameter in type.GetGenericParameters()) AddConstraints(uses, parameter);
            AddAttributes(uses, type.GetCustomAttributes());
            foreach (UsedName used in uses.Take()) yield return (space, name, used);
            foreach (FieldDefinitionHandle field in type.GetFields())
            {
                FieldDefinition definition = Metadata.GetFieldDefinition(field);
                definition.DecodeSignature(uses, null);
                AddAttributes(uses, definition.GetCustomAttributes());
                foreach (UsedName used in uses.Take()) yield return (space, $"{name}.{Metadata.GetString(definition.Name)}", used);
            }
            foreach (MethodDefinitionHandle method in type.GetMethods())
            {
                MethodDefinition definition = Metadata.GetMethodDefinition(method);
                AddMethod(uses, definition);
                foreach (UsedName used in uses.Take()) yield return (space, $"{name}.{Metadata.GetString(definition.Name)}", used);
            }
        }
    }

    /// <summary>Namespace of a type, or of the type it is nested in.</summary>
    public string NamespaceOf(TypeDefinitionHandle handle)
    {
        TypeDefinition type = Metadata.GetTypeDefinition(handle);
        return type.GetDeclaringType() is { IsNil: false } outer ? NamespaceOf(outer) : Metadata.GetString(type.Namespace);
    }

    public UsedName NameOf(EntityHandle handle) => new UseCollector(Metadata).NameOf(handle);

    /// <summary>Length in lines of each function, from the symbols; a lambda or local function counts as its own.</summary>
    public IEnumerable<(string Function, int Lines)> FunctionLengths()
    {
        string symbols = System.IO.Path.ChangeExtension(Path, ".pdb");
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(symbols));
        MetadataReader reader = provider.GetMetadataReader();
        foreach (MethodDefinitionHandle handle in Metadata.MethodDefinitions)
        {
            MethodDefinition method = Metadata.GetMethodDefinition(handle);
            string name = Metadata.GetString(method.Name);
            // Initialisers of fields and properties are compiled into the constructors: their lines are those of the whole type.
            if (name is ".ctor" or ".cctor") continue;
            var points = reader.GetMethodDebugInformation(handle).GetSequencePoints().Where(p => !p.IsHidden).ToList();
            if (points.Count == 0) continue;
            string document = reader.GetString(reader.GetDocument(points[0].Document).Name);
            if (document.EndsWith(".g.cs", StringComparison.Ordinal)) continue;
            int lines = points.Max(p => p.EndLine) - points.Min(p => p.StartLine) + 1;
            yield return ($"{NameOf(method.GetDeclaringType()).Type}.{name}", lines);
        }
    }

    void AddMethod(UseCollector uses, MethodDefinition method)
    {
        method.DecodeSignature(uses, null);
        AddAttributes(uses, method.GetCustomAttributes());
        foreach (var parameter in method.GetGenericParameters()) AddConstraints(uses, parameter);
        if (method.RelativeVirtualAddress == 0) return;
        MethodBodyBlock body = _file.GetMethodBody(method.RelativeVirtualAddress);
        if (!body.LocalSignature.IsNil) Metadata.GetStandaloneSignature(body.LocalSignature).DecodeLocalSignature(uses, null);
        foreach (ExceptionRegion region in body.ExceptionRegions) Add(uses, region.CatchType);
        BlobReader code = body.GetILReader();
        while (code.RemainingBytes > 0)
        {
            short value = code.ReadByte();
            if (value == 0xFE) value = (short)(0xFE00 | code.ReadByte());
            switch (s_operands[value])
            {
                case OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType:
                    Add(uses, MetadataTokens.EntityHandle(code.ReadInt32()));
                    break;
                case OperandType.InlineBrTarget or OperandType.InlineI or OperandType.InlineSig or OperandType.InlineString
                    or OperandType.ShortInlineR:
                    code.Offset += 4;
                    break;
                case OperandType.InlineI8 or OperandType.InlineR: code.Offset += 8; break;
                case OperandType.InlineVar: code.Offset += 2; break;
                case OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar: code.Offset += 1; break;
                case OperandType.InlineSwitch:
                    int targets = code.ReadInt32();
                    code.Offset += 4 * targets;
                    break;
            }
        }
    }

    void AddConstraints(UseCollector uses, GenericParameterHandle parameter)
    {
        foreach (var constraint in Metadata.GetGenericParameter(parameter).GetConstraints())
            Add(uses, Metadata.GetGenericParameterConstraint(constraint).Type);
    }

    void AddAttributes(UseCollector uses, CustomAttributeHandleCollection attributes)
    {
        foreach (CustomAttributeHandle attribute in attributes) Add(uses, Metadata.GetCustomAttribute(attribute).Constructor);
    }

    static void Add(UseCollector uses, EntityHandle handle)
    {
        if (!handle.IsNil) uses.Add(handle);
    }
}

/// <param name="Type">Full name, nested types with dots (<c>System.Threading.Tasks.Task`1</c>).</param>
/// <param name="Member">Empty when the type itself is named.</param>
readonly record struct UsedName(string Namespace, string Type, string Member = "")
{
    public override string ToString() => Member.Length == 0 ? Type : $"{Type}.{Member}";
}

/// <summary>Gathers the names behind metadata handles and signatures.</summary>
sealed class UseCollector(MetadataReader metadata) : ISignatureTypeProvider<object?, object?>
{
    readonly HashSet<UsedName> _used = [];

    /// <summary>What was gathered since the last call.</summary>
    public ImmutableArray<UsedName> Take()
    {
        ImmutableArray<UsedName> taken = [.. _used];
        _used.Clear();
        return taken;
    }

    public void Add(EntityHandle handle)
    {
        switch (handle.Kind)
        {
            case HandleKind.TypeDefinition or HandleKind.TypeReference:
                _used.Add(NameOf(handle));
                break;
            case HandleKind.TypeSpecification:
                metadata.GetTypeSpecification((TypeSpecificationHandle)handle).DecodeSignature(this, null);
                break;
            case HandleKind.FieldDefinition:
                var field = metadata.GetFieldDefinition((FieldDefinitionHandle)handle);
                _used.Add(NameOf(field.GetDeclaringType()) with { Member = metadata.GetString(field.Name) });
                break;
            case HandleKind.MethodDefinition:
                var method = metadata.GetMethodDefinition((MethodDefinitionHandle)handle);
                _used.Add(NameOf(method.GetDeclaringType()) with { Member = metadata.GetString(method.Name) });
                break;
            case HandleKind.MemberReference:
                AddReference(metadata.GetMemberReference((MemberReferenceHandle)handle));
                break;
            case HandleKind.MethodSpecification:
                var made = metadata.GetMethodSpecification((MethodSpecificationHandle)handle);
                Add(made.Method);
                made.DecodeSignature(this, null);
                break;
        }
    }

    public UsedName NameOf(EntityHandle handle)
    {
        if (handle.Kind == HandleKind.TypeDefinition)
        {
            TypeDefinition type = metadata.GetTypeDefinition((TypeDefinitionHandle)handle);
            if (type.GetDeclaringType() is not { IsNil: false } outer) return Named(type.Namespace, type.Name);
            UsedName around = NameOf(outer);
            return around with { Type = $"{around.Type}.{metadata.GetString(type.Name)}" };
        }
        TypeReference reference = metadata.GetTypeReference((TypeReferenceHandle)handle);
        if (reference.ResolutionScope.Kind != HandleKind.TypeReference) return Named(reference.Namespace, reference.Name);
        UsedName scope = NameOf(reference.ResolutionScope);
        return scope with { Type = $"{scope.Type}.{metadata.GetString(reference.Name)}" };
    }

    UsedName Named(StringHandle space, StringHandle name)
    {
        string text = metadata.GetString(space);
        return new(text, text.Length == 0 ? metadata.GetString(name) : $"{text}.{metadata.GetString(name)}");
    }

    void AddReference(MemberReference reference)
    {
        string member = metadata.GetString(reference.Name);
        if (reference.Parent.Kind is HandleKind.TypeDefinition or HandleKind.TypeReference)
        {
            _used.Add(NameOf(reference.Parent) with { Member = member });
        }
        else if (reference.Parent.Kind == HandleKind.TypeSpecification)
        {
            // A member of a generic type: the first name of the signature is the type's own.
            UseCollector inner = new(metadata) { _first = null };
            metadata.GetTypeSpecification((TypeSpecificationHandle)reference.Parent).DecodeSignature(inner, null);
            _used.UnionWith(inner._used);
            if (inner._first is { } generic) _used.Add(generic with { Member = member });
        }
        if (reference.GetKind() == MemberReferenceKind.Field) reference.DecodeFieldSignature(this, null);
        else reference.DecodeMethodSignature(this, null);
    }

    UsedName? _first;

    object? Found(EntityHandle handle)
    {
        UsedName name = NameOf(handle);
        _first ??= name;
        _used.Add(name);
        return null;
    }

    public object? GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => Found(handle);

    public object? GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => Found(handle);

    public object? GetTypeFromSpecification(
        MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    public object? GetArrayType(object? elementType, ArrayShape shape) => null;

    public object? GetByReferenceType(object? elementType) => null;

    public object? GetFunctionPointerType(MethodSignature<object?> signature) => null;

    public object? GetGenericInstantiation(object? genericType, ImmutableArray<object?> typeArguments) => null;

    public object? GetGenericMethodParameter(object? genericContext, int index) => null;

    public object? GetGenericTypeParameter(object? genericContext, int index) => null;

    public object? GetModifiedType(object? modifier, object? unmodifiedType, bool isRequired) => null;

    public object? GetPinnedType(object? elementType) => null;

    public object? GetPointerType(object? elementType) => null;

    public object? GetPrimitiveType(PrimitiveTypeCode typeCode) => null;

    public object? GetSZArrayType(object? elementType) => null;
}
