using System.Security.Claims;
using Bank.Web.Api;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Mvc;

namespace Bank.Web.SignIn;

/// <summary>
/// Keeps who is logged in, through reloads and restarts: the session's token, encrypted, in a cookie that scripts cannot read. Whether the session still holds
/// is for Users to say, at each request.
/// </summary>
public static class SessionCookie
{
    private const string TokenClaim = "token";

    public static string TokenOf(ClaimsPrincipal user) => user.FindFirstValue(TokenClaim) ?? "";

    public static Task SignInAsync(HttpContext http, string username, LoggedIn session)
    {
        var identity = new ClaimsIdentity([new(ClaimTypes.Name, username), new(TokenClaim, session.Token)], CookieAuthenticationDefaults.AuthenticationScheme);
        var expires = http.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow().AddSeconds(session.ExpiresIn);
        return http.SignInAsync(new ClaimsPrincipal(identity), new AuthenticationProperties { IsPersistent = true, ExpiresUtc = expires });
    }

    public static IServiceCollection AddSessionCookie(this IServiceCollection services)
    {
        services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(o =>
        {
            o.Cookie.Name = "bank";
            o.Cookie.SameSite = SameSiteMode.Lax;
            (o.LoginPath, o.ReturnUrlParameter) = ("/login", "return");
            o.SlidingExpiration = false;
        });
        services.AddAuthorization();
        services.AddMemoryCache();
        services.AddSingleton<EndedSessions>();
        return services;
    }

    public static void MapSessions(this IEndpointRouteBuilder app)
    {
        app.MapPost("/logout", LogOutAsync);
        app.MapGet("/expired", ExpiredAsync);
    }

    /// <summary>A page of this site to return to, or the first one.</summary>
    public static string Local(string? page) => page is ['/', not ('/' or '\\'), ..] && !page.Any(char.IsControl) ? page : "/";

    private static async Task<IResult> LogOutAsync(HttpContext http, IAntiforgery antiforgery, BankClient bank, EndedSessions ended, CancellationToken cancellationToken)
    {
        if (http.User.Identity is not { IsAuthenticated: true })
            return Results.LocalRedirect("/login?note=left"); // the cookie has expired, and with it what the form was made for
        if (!await antiforgery.IsRequestValidAsync(http))
            return Results.BadRequest();
        await http.SignOutAsync();
        try
        {
            var token = TokenOf(http.User);
            ended.Add(token);
            bank.Token = token;
            await bank.LogOutAsync(cancellationToken);
            return Results.LocalRedirect("/login?note=left");
        }
        catch (BankException e)
        {
            // If it does not answer: this browser has the token no more, but whoever else had it could use it until it expires.
            return Results.LocalRedirect(e.IsSignedOut ? "/login?note=left" : "/login?note=left-here");
        }
    }

    /// <summary>Where a page goes whose session is over. It ends no session that holds, so that a link from elsewhere can log nobody out.</summary>
    private static async Task<IResult> ExpiredAsync(
        HttpContext http, [FromQuery(Name = "return")] string? page, [FromQuery] bool? left, BankClient bank, CancellationToken cancellationToken)
    {
        try
        {
            bank.Token = TokenOf(http.User);
            await bank.MeAsync(cancellationToken);
            return Results.LocalRedirect(Local(page));
        }
        catch (BankException e) when (e.IsSignedOut)
        {
            await http.SignOutAsync();
            if (left == true)
                return Results.LocalRedirect("/login?note=left");
            return Results.LocalRedirect($"/login?note=expired&return={Uri.EscapeDataString(Local(page))}");
        }
        catch (BankException)
        {
            return Results.LocalRedirect(Local(page)); // nobody knows; the page says what is away
        }
    }
}
