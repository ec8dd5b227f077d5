using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Bank.ServiceDefaults;

/// <summary>Asks Users. If it cannot be asked, the request fails: who owns what is never guessed.</summary>
public sealed class UsersSessions(HttpClient users) : ISessionSource
{
    private static readonly JsonSerializerOptions Json = CreateJson();

    public async Task<SessionInfo> ValidateAsync(string token, CancellationToken cancellationToken)
    {
        using var response = await users.PostAsJsonAsync("/sessions/validate", new { token }, Json, cancellationToken);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync<SessionInfo>(Json, cancellationToken) ?? SessionInfo.Invalid;
    }

    private static JsonSerializerOptions CreateJson()
    {
        var json = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        BankService.UseBankNames(json);
        return json;
    }
}

public static class UsersSessionsRegistration
{
    /// <summary>Signs requests in by asking the Users service at <c>Users:Url</c>.</summary>
    public static IServiceCollection AddUsersSessions(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddHttpClient<ISessionSource, UsersSessions>(client => client.BaseAddress = new Uri(configuration["Users:Url"] ?? "http://localhost:5005"));
        return services;
    }
}
