using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Plinth.Runtime;

/// <summary>
/// Hints to the processor that memory will be read soon. They read nothing, so it does no harm that the collector may move an object
/// between hint and read. Where there is no such instruction they do nothing.
/// </summary>
static unsafe class Prefetch
{
    const int Line64 = 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line<T>(ref T at)
    {
        if (Sse.IsSupported) Sse.Prefetch0(Unsafe.AsPointer(ref at));
    }

    /// <summary>The items of an array, as far as the processor takes so many hints at a time.</summary>
    public static void Items<T>(T[] of)
    {
        if (!Sse.IsSupported || of.Length == 0) return;
        byte* at = (byte*)Unsafe.AsPointer(ref of[0]);
        int bytes = Math.Min(of.Length * Unsafe.SizeOf<T>(), 8 * Line64);
        for (int i = 0; i < bytes; i += Line64) Sse.Prefetch0(at + i);
    }

    /// <summary>The first lines of an object: its header and some hundred bytes of its fields.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Object(object of)
    {
        if (!Sse.IsSupported) return;
        byte* at = *(byte**)Unsafe.AsPointer(ref of);
        Sse.Prefetch0(at);
        Sse.Prefetch0(at + Line64);
        Sse.Prefetch0(at + 2 * Line64);
    }
}
