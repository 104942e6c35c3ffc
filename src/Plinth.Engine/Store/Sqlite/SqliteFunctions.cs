using System.Runtime.InteropServices;

namespace Plinth.Store.Sqlite;

/// <summary>
/// The library's functions that run per row and per cell, called by their address in the one loaded image. The wrapper's own calls
/// count references on a handle each time; in a list of 50 records, 600 cells, that was a quarter of the time. The shortest ones also
/// spare the collector's bookkeeping around native code: they only read what <c>step</c> has made, and never block.
/// </summary>
static unsafe class SqliteFunctions
{
    /// <summary>Tells the library to copy a bound value before the call returns.</summary>
    public static readonly nint Transient = -1;

    public static delegate* unmanaged<nint, int> Step { get; private set; }

    public static delegate* unmanaged<nint, int> Reset { get; private set; }

    public static delegate* unmanaged[SuppressGCTransition]<nint, int, int> ColumnType { get; private set; }

    public static delegate* unmanaged[SuppressGCTransition]<nint, int, long> ColumnInt64 { get; private set; }

    public static delegate* unmanaged[SuppressGCTransition]<nint, int, double> ColumnDouble { get; private set; }

    public static delegate* unmanaged[SuppressGCTransition]<nint, int, byte*> ColumnBlob { get; private set; }

    public static delegate* unmanaged[SuppressGCTransition]<nint, int, int> ColumnBytes { get; private set; }

    public static delegate* unmanaged[SuppressGCTransition]<nint, int, int> BindNull { get; private set; }

    public static delegate* unmanaged[SuppressGCTransition]<nint, int, long, int> BindInt64 { get; private set; }

    public static delegate* unmanaged[SuppressGCTransition]<nint, int, double, int> BindDouble { get; private set; }

    public static delegate* unmanaged<nint, int, byte*, int, nint, int> BindText { get; private set; }

    public static delegate* unmanaged<nint, int, byte*, int, nint, int> BindBlob { get; private set; }

    /// <summary>Takes the addresses; before the first connection is opened.</summary>
    public static void TakeFrom(nint library)
    {
        nint Address(string name) => NativeLibrary.GetExport(library, name);
        Step = (delegate* unmanaged<nint, int>)Address("sqlite3_step");
        Reset = (delegate* unmanaged<nint, int>)Address("sqlite3_reset");
        ColumnType = (delegate* unmanaged[SuppressGCTransition]<nint, int, int>)Address("sqlite3_column_type");
        ColumnInt64 = (delegate* unmanaged[SuppressGCTransition]<nint, int, long>)Address("sqlite3_column_int64");
        ColumnDouble = (delegate* unmanaged[SuppressGCTransition]<nint, int, double>)Address("sqlite3_column_double");
        ColumnBlob = (delegate* unmanaged[SuppressGCTransition]<nint, int, byte*>)Address("sqlite3_column_blob");
        ColumnBytes = (delegate* unmanaged[SuppressGCTransition]<nint, int, int>)Address("sqlite3_column_bytes");
        BindNull = (delegate* unmanaged[SuppressGCTransition]<nint, int, int>)Address("sqlite3_bind_null");
        BindInt64 = (delegate* unmanaged[SuppressGCTransition]<nint, int, long, int>)Address("sqlite3_bind_int64");
        BindDouble = (delegate* unmanaged[SuppressGCTransition]<nint, int, double, int>)Address("sqlite3_bind_double");
        BindText = (delegate* unmanaged<nint, int, byte*, int, nint, int>)Address("sqlite3_bind_text");
        BindBlob = (delegate* unmanaged<nint, int, byte*, int, nint, int>)Address("sqlite3_bind_blob");
    }
}
