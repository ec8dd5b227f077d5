using Sequent.Protocol;

namespace Sequent.Client.Connecting;

/// <summary>The errors of the bus that pass by themselves; the request had no effect and is sent again. All others are final.</summary>
internal static class PassingErrors
{
    public static bool Contains(string code) => code is ErrorCodes.StoreUnavailable or ErrorCodes.ShuttingDown;
}
