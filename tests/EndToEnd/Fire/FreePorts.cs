using System.Net;
using System.Net.Sockets;

namespace EndToEnd.Fire;

/// <summary>
/// Ports that stay free while their program is down. Not those the system picks: while a program is being started again, its port could be
/// given to an outgoing connection of somebody else.
/// </summary>
internal static class FreePorts
{
    private const int First = 12_000;
    private const int End = 32_000; // Linux gives out ports from 32,768

    public static int[] Take(int count)
    {
        var taken = new List<TcpListener>();
        try
        {
            // Looked for from a random place, so that two runs on one machine do not meet.
            for (var port = Random.Shared.Next(First, End - 1_000); taken.Count < count && port < End; port++)
            {
                var listener = new TcpListener(IPAddress.Loopback, port);
                try
                {
                    listener.Start();
                    taken.Add(listener);
                }
                catch (SocketException)
                {
                    listener.Dispose();
                }
            }

            return taken.Count == count ? [.. taken.Select(t => ((IPEndPoint)t.LocalEndpoint).Port)] : throw new InvalidOperationException("No free ports.");
        }
        finally
        {
            taken.ForEach(listener => listener.Dispose());
        }
    }
}
